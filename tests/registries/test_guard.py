"""Attacks by a registry: what it names, where it sends us, and what it gets.

In each attack the thief is a second server; he must see no credential and no token.
"""

from base64 import b64encode

import pytest

from imagebot.demo.registry import Request, Response
from imagebot.errors import RegistryError
from imagebot.image import Repository
from imagebot.registries import BasicCredentials, Registries, RegistryRules
from imagebot.secret import Secret
from tests.servers.registry import (
    HostileRegistry,
    Thief,
    challenge,
    holds,
    json_response,
    link,
    tag_list,
)

from .conftest import SHORT, Client

PASSWORD = "canary-password"
TOKEN = "canary-token"
CREDENTIALS = BasicCredentials("bot", Secret(PASSWORD))
SECRETS = (PASSWORD, TOKEN, b64encode(f"bot:{PASSWORD}".encode()).decode())


def bearer_registry(registry: HostileRegistry) -> None:
    """Ask for a token that the registry itself issues, then list one tag."""

    def misbehave(request: Request) -> Response | None:
        if request.path == "/token":
            return json_response({"token": TOKEN})
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return challenge(f'Bearer realm="http://{registry.host}/token",service="s"')
        return None

    registry.misbehave = misbehave


@pytest.mark.parametrize("path", ["/token", "/latest/meta-data"])
def test_a_realm_on_another_host_gets_nothing(
    registry: HostileRegistry, thief: Thief, client: Client, path: str
) -> None:
    registry.answer_always(challenge(f'Bearer realm="http://{thief.host}{path}",service="s"'))
    with pytest.raises(RegistryError, match="token service") as refused:
        client(registry.host, credentials=CREDENTIALS).list_tags(Repository(registry.host, "a"))
    assert thief.host in str(refused.value)
    assert thief.host in refused.value.hint
    assert thief.requests == []


@pytest.mark.parametrize(
    "realm", ["", "token", "file:///etc/passwd", "http://", "http://[::1", "http://u:p@x/t", "//x"]
)
def test_a_realm_that_is_no_address_is_refused(
    registry: HostileRegistry, client: Client, realm: str
) -> None:
    registry.answer_always(challenge(f'Bearer realm="{realm}"'))
    with pytest.raises(RegistryError):
        client(registry.host, credentials=CREDENTIALS).list_tags(Repository(registry.host, "a"))
    assert holds(registry.authorizations, *SECRETS) == []


def test_a_realm_that_only_looks_like_the_registry_gets_nothing(
    registry: HostileRegistry, thief: Thief, client: Client
) -> None:
    for realm in (f"http://{registry.host}@{thief.host}/t", f"http://{thief.host}/{registry.host}"):
        registry.answer_always(challenge(f'Bearer realm="{realm}"'))
        with pytest.raises(RegistryError):
            client(registry.host, credentials=CREDENTIALS).list_tags(Repository(registry.host, "a"))
    assert thief.requests == []


def test_a_token_server_that_the_settings_list_gets_the_credentials(
    registry: HostileRegistry, thief: Thief, client: Client
) -> None:
    registry.answer_next(challenge(f'Bearer realm="http://{thief.host}/token",service="s"'))
    registry.add("a", "1")
    tags = client(registry.host, credentials=CREDENTIALS, token_servers=(thief.host,)).list_tags(
        Repository(registry.host, "a")
    )
    assert tags.tags == ("1",)
    assert registry.authorizations == ["", "Bearer from-the-thief"]
    assert holds(thief.loot, SECRETS[2])


def test_a_next_page_on_another_host_is_not_asked(
    registry: HostileRegistry, thief: Thief, client: Client
) -> None:
    bearer_registry(registry)
    honest = registry.misbehave
    target = f"http://{thief.host}/v2/a/tags/list?last=1"
    registry.misbehave = lambda request: honest(request) or tag_list("1", headers=link(target))
    # even where the other host may be asked for tokens
    found = client(registry.host, credentials=CREDENTIALS, token_servers=(thief.host,))
    with pytest.raises(RegistryError, match="another host"):
        found.list_tags(Repository(registry.host, "a"))
    assert thief.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_carries_no_credential(
    registry: HostileRegistry, thief: Thief, client: Client, status: int
) -> None:
    bearer_registry(registry)
    honest = registry.misbehave
    elsewhere = Response(status, {"Location": f"http://{thief.host}/v2/a/tags/list"})
    registry.misbehave = lambda request: honest(request) or elsewhere
    # the thief is listed so that his private address may be reached at all
    found = client(registry.host, credentials=CREDENTIALS, token_servers=(thief.host,))
    assert found.list_tags(Repository(registry.host, "a")).tags == ("stolen",)
    assert len(thief.requests) == 1
    assert holds(thief.loot, *SECRETS, "Authorization") == []


def test_a_redirect_away_and_back_carries_no_credential_back(
    registry: HostileRegistry, client: Client
) -> None:
    bearer_registry(registry)
    honest = registry.misbehave
    with HostileRegistry() as between:
        between.answer_always(Response(307, {"Location": f"http://{registry.host}/v2/b/tags/list"}))
        away = Response(307, {"Location": f"http://{between.host}/"})
        registry.misbehave = lambda request: (
            (honest(request) if "/b/" not in request.target else tag_list("1")) or away
        )
        found = client(registry.host, credentials=CREDENTIALS, token_servers=(between.host,))
        found.list_tags(Repository(registry.host, "a"))
    assert registry.targets[-1] == "/v2/b/tags/list"
    assert registry.authorizations[-1] == ""


def test_a_redirect_to_a_private_address_elsewhere_is_refused(
    registry: HostileRegistry, thief: Thief, client: Client
) -> None:
    registry.answer_always(Response(307, {"Location": f"http://{thief.host}/"}))
    with pytest.raises(RegistryError, match="private or loopback"):
        client(registry.host).list_tags(Repository(registry.host, "a"))
    assert thief.requests == []


@pytest.mark.parametrize(
    "location", ["", "http://[::1", "ftp://x/y", "http://169.254.169.254/latest", "//169.254.0.1"]
)
def test_a_redirect_to_nowhere_or_to_metadata_is_refused(
    registry: HostileRegistry, client: Client, location: str
) -> None:
    registry.answer_always(Response(307, {"Location": location}))
    with pytest.raises(RegistryError):
        client(registry.host).list_tags(Repository(registry.host, "a"))
    assert len(registry.requests) == 1


def test_redirects_that_never_end_are_ended(registry: HostileRegistry, client: Client) -> None:
    registry.misbehave = lambda request: Response(307, {"Location": request.target + "&x"})
    with pytest.raises(RegistryError, match="more than 3 times"):
        client(registry.host).list_tags(Repository(registry.host, "a"))
    assert len(registry.requests) == 4


def test_a_stranger_behind_a_redirect_cannot_ask_for_credentials(
    registry: HostileRegistry, client: Client
) -> None:
    with HostileRegistry() as stranger:
        stranger.answer_always(challenge('Basic realm="x"'))
        registry.answer_always(Response(307, {"Location": f"http://{stranger.host}/"}))
        found = client(registry.host, credentials=CREDENTIALS, token_servers=(stranger.host,))
        with pytest.raises(RegistryError, match="redirected to"):
            found.list_tags(Repository(registry.host, "a"))
        assert holds(stranger.authorizations, *SECRETS) == []


def test_a_token_of_one_registry_never_reaches_another(
    registry: HostileRegistry, thief: Thief
) -> None:
    bearer_registry(registry)
    registry.add("a", "1")
    rules = [
        RegistryRules(registry.host, insecure=True, internal=True, credentials=CREDENTIALS),
        RegistryRules(thief.host, insecure=True, internal=True),
    ]
    with Registries(rules, limits=SHORT) as registries:
        registries.list_many([Repository(registry.host, "a"), Repository(thief.host, "a")])
        registries.list_many([Repository(registry.host, "a"), Repository(thief.host, "a")])
    assert f"Bearer {TOKEN}" in registry.authorizations
    assert len(thief.requests) == 2
    assert holds(thief.loot, *SECRETS) == []


def test_a_private_address_is_refused_unless_the_registry_is_internal(
    thief: Thief, client: Client
) -> None:
    with pytest.raises(RegistryError, match="private or loopback"):
        client(thief.host, internal=False).list_tags(Repository(thief.host, "a"))
    assert thief.requests == []


def test_plain_http_is_not_spoken_unless_the_registry_is_insecure(
    thief: Thief, client: Client
) -> None:
    with pytest.raises(RegistryError, match="does not speak TLS") as refused:
        client(thief.host, insecure=False, credentials=CREDENTIALS).list_tags(
            Repository(thief.host, "a")
        )
    assert "insecure" in refused.value.hint
    assert thief.requests == []


def test_a_scope_wider_than_needed_is_not_asked_for(
    registry: HostileRegistry, client: Client
) -> None:
    def misbehave(request: Request) -> Response | None:
        if request.path == "/token":
            return json_response({"token": TOKEN})
        if not request.headers.get("Authorization"):
            realm = f'Bearer realm="http://{registry.host}/token"'
            return challenge(f'{realm},scope="repository:other:pull,push,delete"')
        return tag_list("1")

    registry.misbehave = misbehave
    client(registry.host).list_tags(Repository(registry.host, "acme/api"))
    assert registry.targets[1] == "/token?scope=repository%3Aacme%2Fapi%3Apull"


def test_a_renamed_scope_that_only_pulls_is_asked_for(
    registry: HostileRegistry, client: Client
) -> None:
    def misbehave(request: Request) -> Response | None:
        if request.path == "/token":
            return json_response({"access_token": TOKEN})
        if not request.headers.get("Authorization"):
            realm = f'Bearer realm="http://{registry.host}/token"'
            return challenge(f'{realm},scope="repository:mirror/acme/api:pull"')
        return tag_list("1")

    registry.misbehave = misbehave
    found = client(registry.host)
    for _ in range(3):
        found.list_tags(Repository(registry.host, "acme/api"))
    assert registry.targets[1] == "/token?scope=repository%3Amirror%2Facme%2Fapi%3Apull"
    assert len(registry.requests) == 5  # remembered after the first time


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"token": ""},
        {"token": 7},
        {"token": "a\r\nX-Evil: 1"},
        {"token": "\u00fc"},
        {"token": "x", "expires_in": "soon"},
        {"token": "x" * 70_000},
    ],
)
def test_an_answer_that_is_no_token_is_refused(
    registry: HostileRegistry, client: Client, document: object
) -> None:
    registry.misbehave = lambda request: (
        json_response(document)
        if request.path == "/token"
        else challenge(f'Bearer realm="http://{registry.host}/token"')
    )
    with pytest.raises(RegistryError, match="did not answer with a token"):
        client(registry.host).list_tags(Repository(registry.host, "a"))


@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
def test_a_registry_that_always_answers_401_is_asked_a_few_times_only(
    registry: HostileRegistry, client: Client, scheme: str
) -> None:
    registry.misbehave = lambda request: (
        json_response({"token": TOKEN})
        if request.path == "/token"
        else challenge(f'{scheme} realm="http://{registry.host}/token"')
    )
    found = client(registry.host, credentials=CREDENTIALS)
    for _ in range(2):
        with pytest.raises(RegistryError, match="401 to 'bot' from the settings"):
            found.list_tags(Repository(registry.host, "a"))
    assert len(registry.requests) <= 7


def test_a_challenge_nobody_understands_is_an_error(
    registry: HostileRegistry, client: Client
) -> None:
    registry.answer_always(challenge("Negotiate"))
    with pytest.raises(RegistryError, match="anonymous"):
        client(registry.host).list_tags(Repository(registry.host, "a"))


def test_a_403_is_final_and_names_the_credential(registry: HostileRegistry, client: Client) -> None:
    registry.answer_always(Response(403))
    with pytest.raises(RegistryError, match="403 to 'bot'") as refused:
        client(registry.host, credentials=CREDENTIALS).list_tags(Repository(registry.host, "a"))
    assert not refused.value.can_retry
    assert len(registry.requests) == 1
