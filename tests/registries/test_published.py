"""When a registry took a tag in: asked of each kind in its way, believed for this digest only."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest

from imagebot.demo.registry import Request, Response
from imagebot.errors import RegistryError, RegistryUnavailable
from imagebot.image import Digest, Repository
from imagebot.registries import BasicCredentials, Kind, Registries, RegistryRules
from imagebot.registries.published import Push, Recent
from imagebot.secret import Secret
from tests.servers.registry import HostileRegistry, Thief, challenge, json_response, link

from .conftest import Client

PUSHED = datetime(2026, 11, 20, 8, 30, 15, tzinfo=UTC)
TEXT = "2026-11-20T08:30:15Z"
SECONDS = int(PUSHED.timestamp())
BOT = BasicCredentials("bot", Secret("canary-password"))
OTHER = "sha256:" + "0" * 64
KINDS = [Kind.DOCKER_HUB, Kind.QUAY, Kind.HARBOR, Kind.GOOGLE, Kind.ACR]
kinds = pytest.mark.parametrize("kind", KINDS)


def told(kind: Kind, tag: str, digest: str, time: object = None) -> tuple[str, object]:
    """Path of the question about `acme/team/api`, and what a registry of that kind answers."""
    text = TEXT if time is None else time
    if kind is Kind.DOCKER_HUB:
        document = {"name": tag, "digest": digest, "tag_last_pushed": text, "images": []}
        return f"/v2/namespaces/acme/repositories/team%2Fapi/tags/{tag}", document
    if kind is Kind.QUAY:
        start = SECONDS if time is None else time
        entry = {"name": tag, "start_ts": start, "manifest_digest": digest}
        return "/api/v1/repository/acme/team/api/tag/", {"tags": [entry], "page": 1}
    if kind is Kind.HARBOR:
        tags = [{"name": "other", "push_time": "2020-01-01T00:00:00.000Z"}]
        tags.append({"name": tag, "push_time": text})  # type: ignore[dict-item]
        document = {"digest": digest, "push_time": "2019-01-01T00:00:00.000Z", "tags": tags}
        path = f"/api/v2.0/projects/acme/repositories/team%252Fapi/artifacts/{tag}"
        return path, document
    if kind is Kind.GOOGLE:
        uploaded = str(SECONDS * 1000) if time is None else time
        manifest = {digest: {"tag": [tag, "x"], "timeUploadedMs": uploaded}}
        return "/v2/acme/team/api/tags/list", {"tags": [tag], "manifest": manifest}
    attributes = {"name": tag, "digest": digest, "lastUpdateTime": text}
    return f"/acr/v1/acme/team/api/_tags/{tag}", {"imageName": "acme/team/api", "tag": attributes}


def answering(answers: Mapping[str, object]) -> Callable[[Request], Response | None]:
    """A registry that answers these paths so, and the rest as a good one."""

    def misbehave(request: Request) -> Response | None:
        found = answers.get(request.path)
        if isinstance(found, Response) or found is None:
            return found
        return json_response(found)

    return misbehave


def published(
    registries: Registries, host: str, *tags: str
) -> dict[str, datetime | RegistryError | None]:
    repository = Repository(host, "acme/team/api")
    found = registries.published_many([(repository, tag) for tag in tags])
    return {tag: answer for (_, tag), answer in found.items()}


def set_up(
    registry: HostileRegistry, client: Client, kind: Kind, time: object = None, **rules: object
) -> Registries:
    registry.add("acme/team/api", "1.0")
    path, document = told(kind, "1.0", digest_of(registry), time)
    registry.misbehave = answering({path: document})
    return client(registry.host, kind=kind, hub_api_host=registry.host, **rules)


def digest_of(registry: HostileRegistry, tag: str = "1.0") -> str:
    return registry._content["acme/team/api"].tags[tag]


@kinds
def test_each_kind_tells_when_a_tag_was_pushed(
    registry: HostileRegistry, client: Client, kind: Kind
) -> None:
    registries = set_up(registry, client, kind)
    assert published(registries, registry.host, "1.0") == {"1.0": PUSHED}


def test_what_quay_is_asked_is_about_one_living_tag(
    registry: HostileRegistry, client: Client
) -> None:
    published(set_up(registry, client, Kind.QUAY), registry.host, "1.0")
    query = "specificTag=1.0&onlyActiveTags=true&limit=1"
    assert f"/api/v1/repository/acme/team/api/tag/?{query}" in registry.targets


@kinds
def test_a_time_for_another_digest_is_not_believed(
    registry: HostileRegistry, client: Client, kind: Kind
) -> None:
    registries = set_up(registry, client, kind)
    path, document = told(kind, "1.0", OTHER)  # an answer from before the tag moved
    registry.misbehave = answering({path: document})
    assert published(registries, registry.host, "1.0") == {"1.0": None}


@kinds
@pytest.mark.parametrize(
    "time",
    ["", "yesterday", "0001-01-01T00:00:00Z", "2026-11-20T08:30:15", 0, -5, True, [], "9" * 40],
)
def test_a_time_that_is_none_is_not_taken_for_one(
    registry: HostileRegistry, client: Client, kind: Kind, time: object
) -> None:
    assert published(set_up(registry, client, kind, time), registry.host, "1.0") == {"1.0": None}


@kinds
@pytest.mark.parametrize(
    "document", [{}, {"tags": None, "tag": 1, "manifest": [], "images": 3}, {"tags": [7, {}]}]
)
def test_an_answer_of_another_shape_tells_nothing(
    registry: HostileRegistry, client: Client, kind: Kind, document: object
) -> None:
    registries = set_up(registry, client, kind)
    path, _ = told(kind, "1.0", OTHER)
    registry.misbehave = answering({path: document})
    assert published(registries, registry.host, "1.0") == {"1.0": None}


@kinds
def test_trouble_is_a_value_and_does_not_touch_the_other_repositories(
    registry: HostileRegistry, client: Client, kind: Kind
) -> None:
    registries = set_up(registry, client, kind)
    path, _ = told(kind, "1.0", OTHER)
    for answer, error in (
        (Response(503), RegistryUnavailable),
        (Response(418), RegistryError),
        (Response(200, {}, b"<html>"), RegistryError),
        (json_response([]), RegistryError),
    ):
        registry.misbehave = answering({path: answer})
        found = published(registries, registry.host, "1.0")
        assert type(found["1.0"]) is error


@pytest.mark.parametrize("kind", [Kind.DOCKER_HUB, Kind.QUAY, Kind.HARBOR, Kind.ACR])
def test_a_tag_that_the_registry_does_not_find_has_no_time(
    registry: HostileRegistry, client: Client, kind: Kind
) -> None:
    registries = set_up(registry, client, kind)
    path, _ = told(kind, "1.0", OTHER)
    registry.misbehave = answering({path: Response(404)})
    assert published(registries, registry.host, "1.0") == {"1.0": None}


def test_a_plain_registry_is_not_even_asked(registry: HostileRegistry, client: Client) -> None:
    registry.add("acme/team/api", "1.0")
    assert published(client(registry.host), registry.host, "1.0") == {"1.0": None}
    assert registry.requests == []


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("docker.io", Kind.DOCKER_HUB),
        ("quay.io", Kind.QUAY),
        ("gcr.io", Kind.GOOGLE),
        ("eu.gcr.io", Kind.GOOGLE),
        ("europe-west3-docker.pkg.dev", Kind.GOOGLE),
        ("acme.azurecr.io", Kind.ACR),
        ("ghcr.io", Kind.DISTRIBUTION),
        ("harbor.acme.example", Kind.DISTRIBUTION),
        ("notgcr.io", Kind.DISTRIBUTION),
        ("quay.io.evil.example", Kind.DISTRIBUTION),
    ],
)
def test_the_kind_of_a_well_known_host_needs_no_setting(host: str, kind: Kind) -> None:
    assert RegistryRules(host).known_kind is kind
    assert RegistryRules(host, kind=Kind.HARBOR).known_kind is Kind.HARBOR


def test_docker_hub_is_asked_on_its_own_host() -> None:
    assert str(RegistryRules("docker.io", credentials=BOT).hub_api.origin) == "hub.docker.com"
    assert RegistryRules("docker.io", credentials=BOT).hub_api.credentials is None


@pytest.mark.parametrize(("others", "expected"), [([], PUSHED), ([{"digest": OTHER}], None)])
def test_an_image_of_one_platform_has_its_digest_among_docker_hubs_images(
    registry: HostileRegistry, client: Client, others: list[object], expected: datetime | None
) -> None:
    registries = set_up(registry, client, Kind.DOCKER_HUB)
    path, _ = told(Kind.DOCKER_HUB, "1.0", OTHER)
    images = [{"digest": digest_of(registry)}, *others]
    registry.misbehave = answering({path: {"tag_last_pushed": TEXT, "images": images}})
    assert published(registries, registry.host, "1.0") == {"1.0": expected}


def test_google_tells_of_all_tags_of_a_repository_in_one_listing(
    registry: HostileRegistry, client: Client
) -> None:
    registry.add("acme/team/api", "1.0", "1.1")
    first, second = digest_of(registry, "1.0"), digest_of(registry, "1.1")
    number = {first: {"tag": ["1.0"], "timeUploadedMs": SECONDS * 1000}}  # Artifact Registry
    text = {second: {"tag": ["1.1"], "timeUploadedMs": f"{SECONDS * 1000}"}}  # Container Registry
    path = "/v2/acme/team/api/tags/list"
    pages = {path: json_response({"manifest": number}, headers=link("/page2"))}
    registry.misbehave = answering(pages | {"/page2": json_response({"manifest": text})})
    registries = client(registry.host, kind=Kind.GOOGLE)
    assert published(registries, registry.host, "1.0", "1.1", "1.2") == {
        "1.0": PUSHED,
        "1.1": PUSHED,
        "1.2": None,
    }
    assert [request.method for request in registry.requests] == ["GET", "GET", "HEAD", "HEAD"]


def test_a_next_page_of_times_on_another_host_is_refused(
    registry: HostileRegistry, thief: Thief, client: Client
) -> None:
    away = json_response({"manifest": {}}, headers=link(f"http://{thief.host}/page2"))
    registry.misbehave = answering({"/v2/acme/team/api/tags/list": away})
    found = published(client(registry.host, kind=Kind.GOOGLE), registry.host, "1.0")
    assert "next page on another host" in str(found["1.0"])
    assert thief.requests == []


# Asked once an hour


@kinds
def test_a_registry_is_not_asked_again_a_moment_later(
    registry: HostileRegistry, client: Client, kind: Kind
) -> None:
    registries = set_up(registry, client, kind)
    for _ in range(3):
        assert published(registries, registry.host, "1.0") == {"1.0": PUSHED}
    path, _ = told(kind, "1.0", OTHER)
    assert [request.path for request in registry.requests].count(path) == 1


def test_neither_is_one_that_told_nothing_but_one_that_failed(
    registry: HostileRegistry, client: Client
) -> None:
    registries = set_up(registry, client, Kind.HARBOR)
    path, document = told(Kind.HARBOR, "1.0", digest_of(registry))
    registry.misbehave = answering({path: Response(418)})
    assert isinstance(published(registries, registry.host, "1.0")["1.0"], RegistryError)
    registry.misbehave = answering({path: Response(404)})
    assert published(registries, registry.host, "1.0") == {"1.0": None}
    registry.misbehave = answering({path: document})
    assert published(registries, registry.host, "1.0") == {"1.0": None}


def test_a_tag_that_moved_within_the_hour_is_not_given_the_time_of_before(
    registry: HostileRegistry, client: Client
) -> None:
    registries = set_up(registry, client, Kind.ACR)
    assert published(registries, registry.host, "1.0") == {"1.0": PUSHED}
    registry.put_image("acme/team/api", "1.0", {"os": "linux", "architecture": "arm64"})
    assert published(registries, registry.host, "1.0") == {"1.0": None}


def test_what_was_told_is_believed_for_an_hour_and_room_is_bounded() -> None:
    times = iter([0.0, 3599.0, 3600.0, 4000.0, 4000.0])
    recent = Recent(clock=lambda: next(times), max_entries=2)
    keys = [(Repository("quay.io", "a"), tag) for tag in ("1", "2", "3")]
    push = Push(Digest(OTHER), PUSHED)
    recent.put_many({keys[0]: push, keys[1]: None})
    assert recent.get_many(keys) == {keys[0]: push, keys[1]: None}
    assert recent.get_many(keys) == {}
    recent.put_many({keys[2]: push})
    assert recent.get_many(keys) == {keys[2]: push}
    assert len(recent._told) == 2


# Who is told who we are


def bearer_registry(registry: HostileRegistry, document: Mapping[str, object]) -> list[str]:
    """Asks for a token under /v2/ and for nothing elsewhere. Gives back the scopes asked for."""
    scopes: list[str] = []

    def misbehave(request: Request) -> Response | None:
        if request.path == "/token":
            scopes.append(request.query("scope"))
            return json_response({"token": "canary-token"})
        is_known = request.headers.get("Authorization") == "Bearer canary-token"
        if request.path.startswith(("/v2/acme", "/acr/")) and not is_known:
            name = "metadata_read" if request.path.startswith("/acr/") else "pull"
            scope = f'scope="repository:acme/team/api:{name}"'
            return challenge(f'Bearer realm="http://{registry.host}/token",service="s",{scope}')
        return answering(document)(request)

    registry.misbehave = misbehave
    return scopes


def test_docker_hubs_other_host_gets_no_credentials(
    registry: HostileRegistry, thief: Thief, client: Client
) -> None:
    registry.add("acme/team/api", "1.0")
    bearer_registry(registry, {})
    registries = client(
        registry.host, kind=Kind.DOCKER_HUB, hub_api_host=thief.host, credentials=BOT
    )
    registries.facts(Repository(registry.host, "acme/team/api"), "1.0")  # has a token by now
    assert published(registries, registry.host, "1.0") == {"1.0": None}
    assert [request.headers.get("Authorization") for request in thief.requests] == [None]


def test_quays_api_is_asked_as_nobody_since_it_takes_no_registry_token(
    registry: HostileRegistry, client: Client
) -> None:
    registry.add("acme/team/api", "1.0")
    path, document = told(Kind.QUAY, "1.0", digest_of(registry))
    bearer_registry(registry, {path: document})
    registries = client(registry.host, kind=Kind.QUAY, credentials=BOT)
    registries.facts(Repository(registry.host, "acme/team/api"), "1.0")
    assert published(registries, registry.host, "1.0") == {"1.0": PUSHED}
    (asked,) = (request for request in registry.requests if request.path == path)
    assert "Authorization" not in asked.headers


def test_harbors_api_gets_the_password_that_its_registry_would_get_a_token_for(
    registry: HostileRegistry, client: Client
) -> None:
    registry.add("acme/team/api", "1.0")
    path, document = told(Kind.HARBOR, "1.0", digest_of(registry))
    bearer_registry(registry, {path: document})
    registries = client(registry.host, kind=Kind.HARBOR, credentials=BOT)
    assert published(registries, registry.host, "1.0") == {"1.0": PUSHED}
    (asked,) = (request for request in registry.requests if request.path == path)
    assert asked.headers["Authorization"].startswith("Basic ")


def test_an_identity_token_is_not_sent_as_a_password(
    registry: HostileRegistry, client: Client
) -> None:
    identity = BasicCredentials("<token>", Secret("canary-refresh"))
    registries = set_up(registry, client, Kind.HARBOR, credentials=identity)
    assert published(registries, registry.host, "1.0") == {"1.0": PUSHED}
    assert registry.authorizations == [""] * len(registry.requests)


def test_azures_api_gets_a_token_for_its_own_action(
    registry: HostileRegistry, client: Client
) -> None:
    registry.add("acme/team/api", "1.0")
    path, document = told(Kind.ACR, "1.0", digest_of(registry))
    scopes = bearer_registry(registry, {path: document})
    registries = client(registry.host, kind=Kind.ACR, credentials=BOT)
    assert published(registries, registry.host, "1.0") == {"1.0": PUSHED}
    assert sorted(scopes) == [
        "repository:acme/team/api:metadata_read",
        "repository:acme/team/api:pull",
    ]


@pytest.mark.parametrize("kind", [Kind.QUAY, Kind.HARBOR, Kind.GOOGLE, Kind.ACR])
def test_an_api_that_redirects_away_takes_no_secret_along(
    registry: HostileRegistry, thief: Thief, client: Client, kind: Kind
) -> None:
    servers = (thief.host,)  # or its loopback address would not be connected to
    registries = set_up(registry, client, kind, credentials=BOT, token_servers=servers)
    path, _ = told(kind, "1.0", digest_of(registry))
    away = Response(307, {"Location": f"http://{thief.host}/away"})
    registry.misbehave = answering({path: away})
    assert published(registries, registry.host, "1.0") == {"1.0": None}
    assert [request.headers.get("Authorization") for request in thief.requests] == [None]
