"""Wake-ups: who uses an image is looked at, who does not is left alone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from imagebot.image import Repository
from imagebot.owed import Wakeups
from imagebot.poll_store import PollStore
from imagebot.polls import Use
from imagebot.settings_model import ForgeSettings, GitSettings, RepositorySettings
from imagebot.store import Store
from imagebot.store_address import StoreAddress
from imagebot.wakeups import StoredWakeups

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
API = Repository("ghcr.io", "acme/api")
WEB = Repository("docker.io", "library/nginx")


def repository(name: str, url: str, **forge: str) -> RepositorySettings:
    return RepositorySettings(
        name, url, timedelta(minutes=5), forge=ForgeSettings(**forge), git=GitSettings()
    )


REPOSITORIES = (
    repository("shop", "https://github.com/Acme/shop.git", type="github", project="Acme/shop"),
    repository(
        "shop-elsewhere",
        "https://git.example.org:3000/acme/shop.git",
        type="gitea",
        project="acme/shop",
        api_url="https://git.example.org:3000",
    ),
    repository("plain", "git@git.example.net:acme/cluster.git"),
)


@pytest.fixture
def store(lasting: StoreAddress) -> Iterator[Store]:
    store = Store(lasting)
    yield store
    store.close()


@pytest.fixture
def polls(store: Store) -> PollStore:
    return PollStore(store.database)


@pytest.fixture
def wakeups(store: Store, polls: PollStore) -> Wakeups:
    return StoredWakeups(polls, lambda: REPOSITORIES, store.request, lambda: NOW)


def owed(store: Store) -> list[str]:
    return [target.key for target in store.owed(NOW)]


def test_every_git_repository_that_uses_an_image_is_requested_and_no_other(
    store: Store, polls: PollStore, wakeups: Wakeups
) -> None:
    polls.note_uses("shop", [Use(API), Use(WEB)])
    polls.note_uses("plain", [Use(API, timedelta(minutes=2), frozenset({"stable"}))])
    assert wakeups.image(API) == ["plain", "shop"]
    assert owed(store) == ["plain", "shop"]
    assert wakeups.image(WEB) == ["shop"]


def test_an_image_that_nobody_uses_wakes_nobody(store: Store, wakeups: Wakeups) -> None:
    assert wakeups.image(API) == []
    assert owed(store) == []


def test_an_image_is_forgotten_once_it_is_used_no_more(polls: PollStore, wakeups: Wakeups) -> None:
    polls.note_uses("shop", [Use(API), Use(WEB)])
    polls.note_uses("shop", [Use(WEB, timedelta(hours=1))])
    assert wakeups.image(API) == []
    assert wakeups.image(WEB) == ["shop"]


def test_a_git_repository_that_left_the_settings_is_not_requested(
    store: Store, polls: PollStore, wakeups: Wakeups
) -> None:
    polls.note_uses("left", [Use(API)])
    assert wakeups.image(API) == []
    assert owed(store) == []


@pytest.mark.parametrize(
    ("project", "host", "found"),
    [
        ("acme/shop", "", ["shop", "shop-elsewhere"]),
        ("Acme/Shop", "github.com", ["shop"]),
        ("acme/shop", "api.github.com", ["shop"]),
        ("acme/shop", "git.example.org:3000", ["shop-elsewhere"]),
        ("acme/shop", "git.example.org", ["shop-elsewhere"]),
        ("acme/shop", "git.example.org:3001", []),
        ("acme/shop", "elsewhere.example.org", []),
        ("acme/cluster", "git.example.net", ["plain"]),
        ("/acme/cluster.git", "", ["plain"]),
        ("shop", "", []),
        ("", "", []),
    ],
)
def test_a_project_is_found_by_its_name_and_host(
    store: Store, wakeups: Wakeups, project: str, host: str, found: list[str]
) -> None:
    assert wakeups.project(project, host) == found
    assert owed(store) == found
