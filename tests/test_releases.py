"""Release notes between two versions: the right ones, asked once, from nobody but known hosts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from imagebot.demo.json_server import Answer
from imagebot.details import Release
from imagebot.registries import PassingCache
from imagebot.releases import (
    MAX_PAGES,
    MAX_RELEASES,
    MAX_TEXT,
    REST_AFTER_FAILURE,
    Access,
    Releases,
)
from imagebot.secret import Secret
from imagebot.sources import Source, SourceHost
from tests.servers.releases import Listed, ReleaseServer

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
KINDS = ["github", "gitlab", "gitea", "forgejo"]


@pytest.fixture
def server() -> Iterator[ReleaseServer]:
    with ReleaseServer() as running:
        yield running


def source(server: ReleaseServer, project: str = "acme/api", kind: str = "github") -> Source:
    return Source(SourceHost(kind, server.root, server.root), project)  # type: ignore[arg-type]


def tags(found: tuple[Release, ...]) -> list[str]:
    return [release.tag for release in found]


@pytest.mark.parametrize("kind", KINDS)
def test_the_notes_after_the_old_up_to_the_new_version_are_read(
    server: ReleaseServer, kind: str
) -> None:
    server.projects["acme/api"] = [
        Listed("v3.0.0"),
        Listed("v2.5.0", is_draft=True),
        Listed("v2.4.1", "Less noise", "* one\n* two", "2026-11-20"),
        Listed("v2.4.0"),
        Listed("v2.3.0"),
        Listed("v2.2.0"),
    ]
    found = Releases(PassingCache()).between(source(server, kind=kind), "2.3.0", "2.4.1", NOW)
    assert tags(found) == ["v2.4.1", "v2.4.0"]
    url = f"{server.root}/acme/api/{'-/releases' if kind == 'gitlab' else 'releases/tag'}/v2.4.1"
    assert found[0] == Release("v2.4.1", "Less noise", url, "2026-11-20", "* one\n* two")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("listed", "old", "new", "wanted"),
    [
        (["1.1.0", "1.0.0"], "1.0.0-alpine", "1.1.0-alpine", ["1.1.0"]),
        (["v1.2", "v1.1", "v1.0"], "1.0", "1.2", ["v1.2", "v1.1"]),
        (["chart-1.1.0", "v1.1.0", "chart-1.0.5"], "1.0.0", "1.1.0", ["v1.1.0"]),
        (
            ["api/v1.1.0", "api/v1.0.5", "w/v1.0.9"],
            "1.0.0",
            "1.1.0",
            ["api/v1.1.0", "api/v1.0.5"],
        ),
        (["v1.1.0", "v1.1.0-rc.1", "v1.0.9"], "1.0.0", "1.1.0", ["v1.1.0", "v1.0.9"]),
        (["v1.1.0-rc.2", "v1.1.0-rc.1"], "1.1.0-rc.1", "1.1.0-rc.2", ["v1.1.0-rc.2"]),
        (["2024.11.0", "2024.10.1"], "2024.10.1", "2024.11.0", ["2024.11.0"]),
        (["nightly", "latest"], "1.0.0", "1.1.0", []),
        (["v1.1.0"], "main-abc", "main-def", []),
        (["v1.1.0"], "1.1.0", "1.0.0", []),
    ],
)
def test_releases_are_matched_by_version_and_name(
    server: ReleaseServer, listed: list[str], old: str, new: str, wanted: list[str]
) -> None:
    server.projects["acme/api"] = [Listed(tag) for tag in listed]
    assert tags(Releases(PassingCache()).between(source(server), old, new, NOW)) == wanted


def test_what_was_found_is_never_asked_for_again(server: ReleaseServer) -> None:
    server.projects["acme/api"] = [Listed("v1.1.0", text="notes")]
    cache = PassingCache()
    first = Releases(cache).between(source(server), "1.0.0", "1.1.0", NOW)
    later = NOW + timedelta(days=400)
    assert Releases(cache).between(source(server), "1.0.0", "1.1.0", later) == first
    assert len(server.requests) == 1


def test_notes_that_are_not_there_yet_are_asked_for_a_day_later(server: ReleaseServer) -> None:
    server.projects["acme/api"] = [Listed("v1.0.0")]
    releases = Releases(PassingCache())
    for hours in (0, 1, 23):
        at = NOW + timedelta(hours=hours)
        assert releases.between(source(server), "1.0.0", "1.1.0", at) == ()
    assert len(server.requests) == 1
    server.projects["acme/api"].insert(0, Listed("v1.1.0"))
    found = releases.between(source(server), "1.0.0", "1.1.0", NOW + timedelta(hours=24))
    assert tags(found) == ["v1.1.0"]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_project_that_is_not_for_us_has_no_notes(server: ReleaseServer, status: int) -> None:
    server.answers["acme/api"] = Answer(status, {"message": "no"})
    releases = Releases(PassingCache())
    for _ in range(3):
        assert releases.between(source(server), "1.0.0", "1.1.0", NOW) == ()
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, {}),
        Answer(502, "bad"),
        Answer(429, {}),
        Answer(200, "no JSON"),
        Answer(200, "[" * 10**5),
    ],
    ids=["500", "502", "429", "no JSON", "nested deeply"],
)
def test_a_host_in_trouble_is_left_alone_for_a_while(server: ReleaseServer, answer: Answer) -> None:
    server.answers["acme/api"] = answer
    server.projects["acme/web"] = [Listed("v1.1.0")]
    releases = Releases(PassingCache())
    assert releases.between(source(server), "1.0.0", "1.1.0", NOW) == ()
    assert releases.between(source(server, "acme/web"), "1.0.0", "1.1.0", NOW) == ()
    assert len(server.requests) == 1


def test_a_host_that_recovered_is_asked_again(server: ReleaseServer) -> None:
    server.answers["acme/api"] = Answer(500, {})
    releases = Releases(PassingCache())
    releases.between(source(server), "1.0.0", "1.1.0", NOW)
    del server.answers["acme/api"]
    server.projects["acme/api"] = [Listed("v1.1.0")]
    found = releases.between(source(server), "1.0.0", "1.1.0", NOW + REST_AFTER_FAILURE)
    assert tags(found) == ["v1.1.0"]


def test_a_redirect_is_not_followed_and_costs_only_its_project(server: ReleaseServer) -> None:
    elsewhere = {"Location": "http://169.254.169.254/latest"}
    server.answers["acme/api"] = Answer(301, {}, elsewhere)
    server.projects["acme/web"] = [Listed("v1.1.0")]
    releases = Releases(PassingCache())
    assert releases.between(source(server), "1.0.0", "1.1.0", NOW) == ()
    assert tags(releases.between(source(server, "acme/web"), "1.0.0", "1.1.0", NOW)) == ["v1.1.0"]


@pytest.mark.parametrize(
    "document", [{}, [3, None, {"tag_name": 3}, {"tag_name": ""}], [[]], "text"]
)
def test_answers_of_another_shape_have_no_notes(server: ReleaseServer, document: object) -> None:
    server.answers["acme/api"] = Answer(200, document)
    assert Releases(PassingCache()).between(source(server), "1.0.0", "1.1.0", NOW) == ()


def test_pages_releases_and_texts_are_bounded(server: ReleaseServer) -> None:
    server.projects["acme/api"] = [
        Listed(f"v2.{n}.0", text="x" * 50_000) for n in range(500, 0, -1)
    ]
    found = Releases(PassingCache()).between(source(server), "1.0.0", "2.500.0", NOW)
    assert len(server.requests) == MAX_PAGES
    assert len(found) == MAX_RELEASES
    assert {len(release.text) for release in found} == {MAX_TEXT}


def test_a_link_to_another_host_is_dropped(server: ReleaseServer) -> None:
    entry = {"tag_name": "v1.1.0", "html_url": "https://evil.example/x", "body": "notes"}
    server.answers["acme/api"] = Answer(200, [entry])
    (release,) = Releases(PassingCache()).between(source(server), "1.0.0", "1.1.0", NOW)
    assert release.url == ""


@pytest.mark.parametrize(
    ("project", "api", "kind", "sent"),
    [
        ("acme/api", "own", "github", "Bearer s3cret"),
        ("Acme/other", "own", "gitlab", "Bearer s3cret"),
        ("acme/api", "own", "gitea", "token s3cret"),
        ("stranger/api", "own", "github", None),  # a label must not read others' projects with it
        ("acme/api", "other", "github", None),
    ],
)
def test_the_token_goes_to_its_own_forge_and_owner_alone(
    server: ReleaseServer, project: str, api: str, kind: str, sent: str | None
) -> None:
    server.projects[project] = [Listed("v1.1.0")]
    url = server.root if api == "own" else "https://git.example.org"
    access = Access(url, "acme", lambda: Secret("s3cret"))
    found = Releases(PassingCache(), [access]).between(
        source(server, project, kind), "1.0.0", "1.1.0", NOW
    )
    assert tags(found) == ["v1.1.0"]
    assert server.requests[0].headers.get("authorization") == sent


def test_a_kind_of_forge_without_releases_is_not_asked(server: ReleaseServer) -> None:
    assert Releases(PassingCache()).between(
        source(server, kind="bitbucket"), "1.0.0", "1.1.0", NOW
    ) == ()  # fmt: skip
    assert server.requests == []
