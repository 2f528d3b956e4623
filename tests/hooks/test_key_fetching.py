"""The keys of an identity provider over real sockets: fetched in bounds, and from where we may."""

from collections.abc import Iterator

import pytest

from imagebot.demo.registry import EmbeddedRegistry, Request, Response
from imagebot.errors import RegistryError, RegistryUnavailable
from imagebot.hooks.tokens import Keys, KeysUnavailable, is_token_right
from imagebot.registries.public_files import LIMITS, fetch
from imagebot.settings_model import TokenSettings
from tests.hooks.issuer import AUDIENCE, EMAIL, ISSUER, Issuer


class Provider(EmbeddedRegistry):
    """Answers as it is told."""

    answer = Response(200, {}, b'{"keys": []}')

    def handle(self, request: Request) -> Response:
        return self.answer


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as running:
        yield running


def test_a_token_is_checked_by_the_keys_that_its_provider_publishes(provider: Provider) -> None:
    issuer = Issuer()
    provider.answer = Response(200, {}, issuer.keys())
    keys = Keys(lambda: fetch(f"http://{provider.host}/certs", True))
    wanted = TokenSettings(ISSUER, AUDIENCE, "", email=EMAIL)
    for _ in range(3):
        assert is_token_right(f"Bearer {issuer.token()}", keys, wanted)
    assert [request.path for request in provider.requests] == ["/certs"]
    assert not is_token_right(f"Bearer {Issuer().token()}", keys, wanted)


def test_a_private_address_is_asked_only_where_the_settings_say_so(provider: Provider) -> None:
    with pytest.raises(RegistryError, match="a private or loopback address"):
        fetch(f"http://{provider.host}/certs", False)
    assert provider.requests == []
    for url in ("http://169.254.169.254/latest", "file:///etc/passwd", "http://u:p@x.example/"):
        with pytest.raises(RegistryError):
            fetch(url, True)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Response(302, {"Location": "http://127.0.0.1:1/"}, b""), RegistryError),
        (Response(404, {}, b""), RegistryError),
        (Response(503, {}, b""), RegistryUnavailable),
        (Response(200, {}, b"x" * (LIMITS.response_bytes + 1)), RegistryError),
    ],
)
def test_any_other_answer_leaves_us_without_keys(
    provider: Provider, answer: Response, kind: type[RegistryError]
) -> None:
    provider.answer = answer
    with pytest.raises(kind):
        fetch(f"http://{provider.host}/certs", True)
    with pytest.raises(KeysUnavailable):
        Keys(lambda: fetch(f"http://{provider.host}/certs", True)).get("k1")
    assert len(provider.requests) == 2
