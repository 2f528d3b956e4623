"""Polls and reconciliations over one store: each image is asked once, and news reach its users.

A real registry on loopback counts the requests; a clock that the test moves says what is due.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Event, Semaphore

import pytest

from imagebot.errors import RegistryError
from imagebot.image import Repository
from imagebot.model import ImageFacts, TagList
from imagebot.poll_store import PollStore
from imagebot.poller import CLAIM, AskedRegistry, Poller
from imagebot.polls import PATIENCE, Answer, Pace, Use
from imagebot.recent_registry import RecentRegistry
from imagebot.registries import Limits, Registries, RegistryRules
from imagebot.store import Store
from imagebot.store_address import StoreAddress
from imagebot.tables import listings
from imagebot.workers import Job, Workers
from tests import making
from tests.servers.registry import HostileRegistry, Response

MINUTE = timedelta(minutes=1)
PACE = Pace(MINUTE, 15 * MINUTE, 5 * MINUTE, 0.1)
GRACE = timedelta(seconds=30)  # bounds a failing test; a passing one does not wait
QUICK = Limits(connect_seconds=5, read_seconds=5, operation_seconds=10, attempts=1)


@dataclass
class World:
    """A store, one registry with one image, and a clock."""

    store: Store
    server: HostileRegistry
    registries: Registries
    now: datetime = datetime(2026, 11, 26, 12, tzinfo=UTC)
    woken: list[str] = field(default_factory=list)

    @property
    def polls(self) -> PollStore:
        return PollStore(self.store.database)

    @property
    def api(self) -> Repository:
        return Repository(self.server.host, "acme/api")

    def clock(self) -> datetime:
        return self.now

    def reconcile(self, target: str, *tags: str, interval: timedelta | None = None) -> list[str]:
        """What a reconciliation does: list, ask for the tags' digests, tell what it chose."""
        recent = self.recent()
        listed = recent.list_many([self.api])[self.api]
        recent.facts_many([(self.api, tag) for tag in tags])
        policy = replace(making.policy(), interval=interval)
        choices = [
            making.choice(f"{self.api}:{tag}", None, governed_by=policy) for tag in tags or ("1.0",)
        ]
        for user in self.polls.users(recent.finish(target, choices)):
            self.woken += [user] if user != target else []
        return [*listed.tags] if isinstance(listed, TagList) else [str(listed)]

    def recent(self) -> RecentRegistry:
        return RecentRegistry(self.registries, self.polls, PACE, clock=self.clock, roll=lambda: 0.5)

    def poll(self, registry: AskedRegistry | None = None) -> None:
        """One tick, and all that it set off."""
        workers = Workers("poll", 4, GRACE)
        self.poller(workers, registry).poll()
        assert workers.stop(GRACE)

    def poller(self, workers: Workers, registry: AskedRegistry | None = None) -> Poller:
        return Poller(
            self.polls,
            lambda: nullcontext(registry or self.registries),
            lambda: PACE,
            self.woken.append,
            workers=workers,
            clock=self.clock,
            roll=lambda: 0.5,
        )

    def asked(self) -> Counter[str]:
        """Requests since the last look, by method and end of the path."""
        requests, self.server.requests = self.server.requests, []
        return Counter(f"{each.method} {each.path.rpartition('acme/')[2]}" for each in requests)


@pytest.fixture
def world(lasting: StoreAddress) -> Iterator[World]:
    with ExitStack() as stack:
        server = stack.enter_context(HostileRegistry())
        server.add("acme/api", "1.0", "stable")
        rules = RegistryRules(server.host, insecure=True, internal=True)
        registries = stack.enter_context(Registries([rules], limits=QUICK))
        store = Store(lasting)
        stack.callback(store.close)
        yield World(store, server, registries)


def test_one_listing_serves_every_git_repository_that_uses_the_image(world: World) -> None:
    assert world.reconcile("shop") == ["1.0", "stable"]
    assert world.reconcile("blog") == ["1.0", "stable"]
    assert world.asked() == {"GET api/tags/list": 1}


def test_a_poll_is_one_request_and_wakes_nobody_while_nothing_changes(world: World) -> None:
    world.reconcile("shop")
    world.asked()
    world.now += 5 * MINUTE
    world.poll()
    assert world.asked() == {"GET api/tags/list": 1}
    assert world.woken == []
    world.poll()  # not due any more
    assert world.asked() == {}


def test_a_new_tag_wakes_all_that_use_the_image_and_is_listed_once(world: World) -> None:
    world.reconcile("shop")
    world.reconcile("blog")
    world.server.add("acme/api", "1.1")
    world.asked()
    world.now += 5 * MINUTE
    world.poll()
    assert world.woken == ["blog", "shop"]
    assert "1.1" in world.reconcile("shop")
    assert "1.1" in world.reconcile("blog")
    assert world.asked() == {"GET api/tags/list": 1}


def test_a_reconciliation_that_finds_news_itself_wakes_the_others(world: World) -> None:
    world.reconcile("shop")
    world.reconcile("blog")
    world.server.add("acme/api", "1.1")
    world.now += 5 * MINUTE + PATIENCE + MINUTE  # nobody polled
    assert "1.1" in world.reconcile("shop")
    assert world.woken == ["blog"]


def test_an_image_that_a_hook_told_of_is_asked_afresh_by_whoever_comes_first(world: World) -> None:
    world.reconcile("shop")
    world.server.add("acme/api", "1.1")
    world.asked()
    world.polls.want(world.api, world.now + MINUTE)
    world.now += 2 * MINUTE
    assert "1.1" in world.reconcile("shop")
    world.poll()
    assert world.asked() == {"GET api/tags/list": 1}


def test_the_digest_of_a_tag_that_is_written_is_followed_by_polls(world: World) -> None:
    world.reconcile("shop", "stable")
    assert world.asked() == {"GET api/tags/list": 1, "HEAD api/manifests/stable": 1}
    world.reconcile("shop", "stable")
    assert world.asked() == {}
    world.server.add("acme/api", "moved")
    repository = world.server._content["acme/api"]
    repository.tags["stable"] = repository.tags.pop("moved")
    world.now += 5 * MINUTE
    world.poll()
    assert world.asked() == {"GET api/tags/list": 1, "HEAD api/manifests/stable": 1}
    assert world.woken == ["shop"]
    kept = world.recent()
    kept.list_many([world.api])
    fact = kept.facts(world.api, "stable")
    assert fact.digest == world.registries.facts(world.api, "stable").digest


def test_digests_that_nobody_writes_are_not_followed(world: World) -> None:
    recent = world.recent()
    recent.list_many([world.api])
    recent.facts_many([(world.api, "1.0"), (world.api, "stable")])
    recent.finish("shop", [making.choice(f"{world.api}:1.0", None)])
    assert world.polls.read([world.api])[world.api].followed == {"1.0"}


def test_the_shortest_interval_of_the_policies_counts(world: World) -> None:
    world.reconcile("shop", interval=20 * MINUTE)
    assert world.polls.read([world.api])[world.api].due_at == world.now + 20 * MINUTE
    world.reconcile("blog", interval=2 * MINUTE)
    assert world.polls.read([world.api])[world.api].due_at == world.now + 2 * MINUTE


def test_a_listing_with_an_etag_is_asked_for_conditionally(world: World) -> None:
    def with_etag(request: object) -> Response | None:
        if request.headers.get("If-None-Match") == '"one"':  # type: ignore[attr-defined]
            return Response(304, {"ETag": '"one"'}, b"")
        return Response(200, {"ETag": '"one"'}, b'{"name": "acme/api", "tags": ["1.0"]}')

    world.server.misbehave = with_etag
    world.reconcile("shop")
    world.now += 5 * MINUTE
    world.poll()
    assert world.server.requests[-1].headers["If-None-Match"] == '"one"'
    assert world.reconcile("shop") == ["1.0"]
    assert len(world.server.requests) == 2
    assert world.woken == []


def test_while_a_registry_is_in_trouble_reconciliations_do_not_wait_for_it(world: World) -> None:
    world.reconcile("shop")
    world.server.answer_always(Response(503, {}, b""))
    world.now += 5 * MINUTE
    world.poll()
    world.asked()
    assert "503" in world.reconcile("shop")[0]
    assert world.asked() == {}
    world.server.misbehave = lambda request: None
    world.now += 5 * MINUTE
    world.poll()
    assert world.woken == ["shop"]
    assert world.reconcile("shop") == ["1.0", "stable"]


def test_when_one_image_is_well_again_the_others_of_its_registry_are_asked_at_once(
    world: World,
) -> None:
    world.server.add("acme/web", "1.0")
    web, elsewhere = Repository(world.server.host, "acme/web"), Repository("other.example", "a")
    world.polls.note_uses("shop", [Use(image) for image in (world.api, web, elsewhere)])
    for image, hours in ((world.api, 0), (web, 10), (elsewhere, 10)):
        failed = Answer(trouble="down", wait=timedelta(hours=hours))
        world.polls.note({image: failed}, world.now, PACE, lambda: 0.5)
    world.now += 5 * MINUTE
    world.poll()
    assert world.asked() == {"GET api/tags/list": 1}
    assert [poll.image for poll in world.polls.due(world.now, 10)] == [web]
    world.poll()
    assert world.asked() == {"GET web/tags/list": 1}


def test_an_image_that_is_used_no_more_is_not_polled(world: World) -> None:
    world.reconcile("shop")
    world.asked()
    world.recent().finish("shop", [])
    world.now += 5 * MINUTE
    world.poll()
    assert world.asked() == {}
    assert world.polls.forget(["shop"]) == 1
    assert world.polls.read([world.api]) == {}


class SlowHost:
    """A registry that does not answer for one host until it is let."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.entered, self.leave = Event(), Event()

    def list_changed_many(
        self, etags: Mapping[Repository, str]
    ) -> dict[Repository, TagList | RegistryError | None]:
        self.asked += sorted(map(str, etags))
        if any(image.registry == "slow.example" for image in etags):
            self.entered.set()
            assert self.leave.wait(GRACE.total_seconds())
        return {image: TagList(image, ("2.0",)) for image in etags}

    def facts_many(self, tags: object) -> dict[tuple[Repository, str], ImageFacts | RegistryError]:
        return {}


def test_a_host_that_hangs_keeps_no_other_from_being_polled(world: World) -> None:
    slow, quick = (Repository(host, "a") for host in ("slow.example", "quick.example"))
    world.polls.note_uses("shop", [Use(slow), Use(quick)])
    answers = {image: Answer(("1.0",)) for image in (slow, quick)}
    world.polls.note(answers, world.now, PACE, lambda: 0.5)
    registry, woken = SlowHost(), Semaphore(0)
    poller = Poller(
        world.polls,
        lambda: nullcontext(registry),
        lambda: PACE,
        lambda name: woken.release(),
        workers=Workers("poll", 2, GRACE),
        clock=world.clock,
        roll=lambda: 0.5,
    )
    try:
        world.now += 5 * MINUTE
        poller.poll()
        assert registry.entered.wait(GRACE.total_seconds())
        assert woken.acquire(timeout=GRACE.total_seconds())  # the quick one came through
        assert world.polls.read([quick])[quick].polled_at == world.now
        assert world.polls.read([slow])[slow].polled_at == world.now - 5 * MINUTE
        for _ in range(4):  # no other process may ask meanwhile, however long it takes
            world.now += CLAIM * 0.6
            poller.poll()
            due = world.polls.due(world.now, 10)
            assert slow not in [poll.image for poll in due]
            assert world.polls.read([slow])[slow].can_be_taken(world.now)
    finally:
        registry.leave.set()
        assert poller.stop(GRACE)


def test_what_one_process_asks_no_other_asks_meanwhile(world: World) -> None:
    world.reconcile("shop")
    world.now += 5 * MINUTE
    due = world.polls.due(world.now, 10)
    until = world.now + 2 * MINUTE
    assert [poll.image for poll in world.polls.claim(due, world.now, until)] == [world.api]
    assert world.polls.claim(due, world.now, until) == []
    assert world.polls.due(world.now, 10) == []
    assert [poll.image for poll in world.polls.due(until, 10)] == [world.api]  # it died


def test_a_listing_that_the_store_forgot_is_asked_for_again(world: World) -> None:
    world.reconcile("shop")
    world.asked()
    with world.store.database.writing() as connection:
        connection.execute(listings.delete())
    assert world.reconcile("shop") == ["1.0", "stable"]
    assert world.asked() == {"GET api/tags/list": 1}
    assert world.reconcile("shop") == ["1.0", "stable"]
    assert world.asked() == {}


@dataclass
class Breaking:
    """A registry during whose answer the store loses a table."""

    world: World

    def list_changed_many(
        self, etags: Mapping[Repository, str]
    ) -> Mapping[Repository, TagList | RegistryError | None]:
        self.rename("image_poll", "away")
        return self.world.registries.list_changed_many(etags)

    def facts_many(
        self, tags: Sequence[tuple[Repository, str]]
    ) -> Mapping[tuple[Repository, str], ImageFacts | RegistryError]:
        return {}

    def rename(self, before: str, after: str) -> None:
        with self.world.store.database.writing() as connection:
            connection.exec_driver_sql(f"alter table {before} rename to {after}")


def test_a_store_that_goes_away_during_a_poll_is_no_bug(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.reconcile("shop")
    world.now += 5 * MINUTE

    world.poll(Breaking(world))
    assert [(record.levelname, record.exc_info) for record in caplog.records] == [("ERROR", None)]
    assert "image_poll" in caplog.text


class Synchronous(Workers):
    """Does each job there and then."""

    def __init__(self) -> None:
        super().__init__("poll", 1, GRACE)

    def submit(self, key: str, work: Callable[[Job], None]) -> bool:
        work(Job(key, work))
        return True


def test_a_store_that_cannot_be_written_is_told_of_once_and_not_at_each_tick(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "imagebot.troubles")
    world.reconcile("shop")
    world.now += 5 * MINUTE
    breaking, workers = Breaking(world), Synchronous()
    poller = world.poller(workers, breaking)
    for _ in range(3):
        poller.poll()
        breaking.rename("away", "image_poll")
        world.now += 2 * CLAIM  # then it may be asked again
    (told,) = caplog.messages
    assert told.startswith("noting what registries answered: ")


def test_no_poll_waits_for_the_time_that_a_clock_told_before_it_was_set_back(world: World) -> None:
    world.reconcile("shop")
    world.asked()
    world.now -= 60 * MINUTE
    world.polls.set_back(60 * MINUTE)
    world.poll()
    assert world.asked() == {}
    world.now += 5 * MINUTE
    world.server.add("acme/api", "1.1")
    world.poll()
    assert world.asked() == {"GET api/tags/list": 1}
    assert world.woken == ["shop"]
    assert "1.1" in world.reconcile("shop")
