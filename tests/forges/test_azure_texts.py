"""What Azure DevOps' lists cut off: how it is known without being read, and never an older one."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.forges.azure_devops import MAX_CLOSED_TEXTS_READ
from imagebot.forges.azure_devops_texts import is_cut, marked, unmarked
from imagebot.proposals import PullRequest
from tests.forges.world import Cache, World, changes, opened_by
from tests.servers.azure_kept import AzurePull

COUNT = 4
HEADS = [f"imagebot/{number}" for number in range(COUNT)]
START = "A long reason. " * 100


@pytest.fixture
def cache() -> Cache:
    return Cache()


@pytest.fixture
def known(azure_devops: World, cache: Cache) -> World:
    """Four long requests, whose texts this imagebot has read."""
    azure_devops.forge = azure_devops.connect(kept=cache)
    for number, head in enumerate(HEADS):
        azure_devops.bare.push(head)
        opened_by(azure_devops.forge, changes(head, body=text(number)))
    azure_devops.forge.find(HEADS)
    azure_devops.server.forget_requests()
    return azure_devops


def text(number: int, end: str = "the end") -> str:
    return f"{START}{number}: {end}"


def bodies(world: World) -> list[str]:
    told: Mapping[str, PullRequest] = world.connect(kept=world.forge._texts._cache).find(HEADS)
    return [told[head].body for head in HEADS]


def pull(world: World, number: int) -> AzurePull:
    found: AzurePull = world.server.azure_pull("org/acme/config", number)
    return found


def test_a_text_that_is_known_is_not_read_again_but_for_one_in_turn(known: World) -> None:
    for runs in range(1, 4):
        assert bodies(known) == [text(number) for number in range(COUNT)]
        assert len(known.server.requests) == 2 * runs


def test_without_a_cache_each_is_read(known: World) -> None:
    assert known.connect().find(HEADS)[HEADS[1]].body == text(1)
    assert len(known.server.requests) == 1 + COUNT


def test_what_another_imagebot_wrote_is_seen_at_once(known: World) -> None:
    other = known.connect()
    for number, head in enumerate(HEADS):
        wanted = changes(head, body=text(number, "held by alice"))
        other.update(other.find([head])[head], wanted)
    assert bodies(known) == [text(number, "held by alice") for number in range(COUNT)]


def test_what_imagebot_wrote_earlier_is_known_again(known: World) -> None:
    for end in ("first", "second", "first"):
        found = known.forge.find(HEADS)[HEADS[0]]
        known.forge.update(found, changes(HEADS[0], body=text(0, end)))
        assert bodies(known)[0] == text(0, end)


def test_what_a_person_wrote_behind_the_cut_is_seen_when_its_turn_comes(known: World) -> None:
    pull(known, 3).body += " and a person's word"
    seen = [bodies(known)[2] for _ in range(COUNT)]
    assert text(2) + " and a person's word" in seen
    assert seen[-1] == bodies(known)[2] == text(2) + " and a person's word"


def test_what_a_person_wrote_is_read_until_imagebot_writes_again(known: World) -> None:
    pull(known, 3).body += " and a person's word"
    for _ in range(COUNT):
        bodies(known)
    wanted = changes(HEADS[2], body=text(2))
    known.forge.update(known.forge.find(HEADS)[HEADS[2]], wanted)
    bodies(known)
    known.server.forget_requests()
    assert bodies(known)[2] == text(2)
    assert len(known.server.requests) == 2


def test_a_text_whose_mark_a_person_took_away_is_read(known: World) -> None:
    pull(known, 1).body = "x" * 500
    assert bodies(known)[0] == "x" * 500


def test_a_copied_start_does_not_give_another_requests_text(known: World) -> None:
    pull(known, 1).body = pull(known, 2).body[:400] + "something else"
    assert "something else" in bodies(known)[0]


def test_the_texts_of_one_repository_are_not_those_of_another(known: World) -> None:
    known.server.add_repository("org/acme/other", known.bare.folder)
    other = known.connect("acme/other", kept=known.forge._texts._cache)
    other.create(changes(HEADS[0], body="short"))
    made = known.server.azure_pull("org/acme/other", 1)
    made.body = pull(known, 1).body + " here"
    assert other.find([HEADS[0]])[HEADS[0]].body == text(0) + " here"


def test_a_text_that_is_cut_in_the_middle_of_an_emoji_is_read_whole(azure_devops: World) -> None:
    azure_devops.bare.push(HEADS[0])
    wanted = "x" + "\N{PARTY POPPER}" * 250  # 251 characters, 501 in UTF-16
    opened_by(azure_devops.forge, changes(HEADS[0], body=wanted))
    assert azure_devops.forge.find(HEADS)[HEADS[0]].body == wanted


def declined(world: World) -> dict[str, str]:
    closed = world.connect(kept=world.forge._texts._cache).declined()
    return {each.head: each.body for each in closed}


def test_what_people_declined_is_told_whole_and_read_once(known: World) -> None:
    for number in (1, 2, 3):
        known.set_state(number, "closed")
    fresh = known.connect(kept=Cache())
    told = {each.head: each.body for each in fresh.declined()}
    assert told == {head: text(number) for number, head in enumerate(HEADS[:3])}
    assert len(known.server.requests) == 1 + 3
    known.server.forget_requests()
    assert declined(known) == told
    assert len(known.server.requests) == 2


def test_closed_requests_of_people_are_not_read_one_by_one(known: World) -> None:
    known.set_state(1, "closed")
    pull(known, 1).body = "A person's long text. " * 40
    assert declined(known)[HEADS[0]].startswith("A person's long text.")
    assert len(known.server.requests) == 1


def test_of_many_closed_requests_a_bounded_number_is_read_at_once(known: World) -> None:
    heads = [f"imagebot/many-{number}" for number in range(MAX_CLOSED_TEXTS_READ + 5)]
    for head in heads:
        known.bare.point(head, at="imagebot/0")
        made = opened_by(known.forge, changes(head, body=text(0)))
        known.set_state(made.number, "closed")
    for reads, whole in ((MAX_CLOSED_TEXTS_READ, MAX_CLOSED_TEXTS_READ), (5 + 1, len(heads))):
        known.server.forget_requests()
        assert list(declined(known).values()).count(text(0)) == whole
        assert len(known.server.requests) == 1 + reads


def test_a_short_text_is_written_as_it_is(azure_devops: World) -> None:
    azure_devops.bare.push(HEADS[0])
    opened_by(azure_devops.forge, changes(HEADS[0], body="short"))
    assert azure_devops.kept()[0].body == "short"


@given(st.text(max_size=900))
def test_a_mark_changes_nothing_of_a_text(words: str) -> None:
    assert unmarked(marked(words)) == words
    assert marked(words) == words or is_cut(marked(words))
