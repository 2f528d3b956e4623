"""No secret in any error, repr or log record, whatever a registry does with it."""

import logging
import traceback
from base64 import b64encode
from urllib.parse import quote

import pytest

from imagebot.demo.registry import Request, Response
from imagebot.errors import ImagebotError
from imagebot.image import Repository
from imagebot.registries import BasicCredentials, Registries
from imagebot.secret import Secret
from tests.servers.registry import (
    NO_SUCH_HOST,
    HostileRegistry,
    RawServer,
    challenge,
    json_response,
    link,
    sending,
    tag_list,
)

from .conftest import Client

PASSWORD, TOKEN = "canary/pass-word", "canary-token-abcdef"
CREDENTIALS = BasicCredentials("bot", Secret(PASSWORD))
FORMS = (
    "canary",
    quote(PASSWORD, safe=""),
    b64encode(f"bot:{PASSWORD}".encode()).decode(),
    b64encode(PASSWORD.encode()).decode(),
)


def echoes(secret: str) -> list[Response]:
    """Ways for a server to give back what it was given."""
    host = f"http://{secret}.{NO_SUCH_HOST}/"
    return [
        challenge(f'Bearer realm="{host}"'),
        challenge(f'Basic realm="{secret}"', 403),
        Response(307, {"Location": host}),
        Response(307, {"Location": f"http://[{secret}"}),
        tag_list("1", headers=link(host)),
        tag_list("1", headers=link(f"http://[{secret}")),
        Response(429, {"Retry-After": secret}),
        Response(500, {}, secret.encode()),
        Response(418, {"Content-Type": secret}, secret.encode()),
        Response(200, {"Docker-Content-Digest": secret, "Content-Encoding": secret}),
        json_response({"tags": secret}),
        json_response({"errors": [{"code": secret, "message": secret}]}, 404),
    ]


@pytest.mark.parametrize("number", range(12))
@pytest.mark.parametrize("secret", [PASSWORD.replace("/", "-"), TOKEN, FORMS[2]])
def test_what_a_registry_echoes_is_not_told(
    registry: HostileRegistry,
    client: Client,
    caplog: pytest.LogCaptureFixture,
    number: int,
    secret: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    password = secret if secret.startswith("canary-pass") else PASSWORD

    def misbehave(request: Request) -> Response:
        if request.path == "/token":
            return json_response({"token": TOKEN})
        if not request.headers.get("Authorization"):
            return challenge(f'Bearer realm="http://{registry.host}/token",service="s"')
        return echoes(secret)[number]

    registry.misbehave = misbehave
    credentials = BasicCredentials("bot", Secret(password))
    found = client(registry.host, credentials=credentials)
    told = asked(found, Repository(registry.host, "acme/api"))
    assert registry.authorizations[-1]
    assert told
    assert secret.lower() not in (told + caplog.text).lower()


def asked(registries: Registries, repository: Repository) -> str:
    """Everything that printing the failures of both questions would show."""
    texts = [repr(registries), repr(registries.session(repository).rules)]
    for ask in (
        lambda: registries.list_tags(repository),
        lambda: registries.facts(repository, "1.0"),
    ):
        try:
            ask()
        except ImagebotError as error:
            texts += traceback.format_exception(error)
            texts += [repr(error), error.hint, repr(error.args)]
    return "\n".join(texts)


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 BotOmNhbmFyeS9wYXNz canary\r\n\r\n",),
        (b"canary\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\ncanary\r\n: canary\r\n\r\n{}",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ncanary\r\n",),
    ],
)
def test_a_broken_answer_is_not_quoted(
    client: Client, caplog: pytest.LogCaptureFixture, pieces: tuple[bytes, ...]
) -> None:
    caplog.set_level(logging.DEBUG)
    with RawServer(sending(*pieces)) as server:
        told = asked(client(server.host), Repository(server.host, "a"))
    assert told
    assert "canary" not in told + caplog.text


def test_credentials_do_not_print() -> None:
    for text in (repr(CREDENTIALS), str(CREDENTIALS), f"{CREDENTIALS}"):
        assert not any(form in text for form in FORMS)


def test_a_line_break_in_a_password_cannot_make_a_header(
    registry: HostileRegistry, client: Client
) -> None:
    registry.answer_always(challenge('Basic realm="x"'))
    odd = BasicCredentials("bot\r\nX-Evil: 1", Secret("canary\r\nX-Evil: 1"))
    told = asked(client(registry.host, credentials=odd), Repository(registry.host, "a"))
    assert "canary" not in told
    assert all("X-Evil" not in request.headers for request in registry.requests)
