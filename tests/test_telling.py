"""What is worth telling people, and that it is told once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from imagebot.history_model import Decision, SeenRequest
from imagebot.owed import Run
from imagebot.proposals import OutcomeKind
from imagebot.telling import MAX_LINES, Facts, News, Told, Wanted, dumped, loaded, message, news

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ALL = Wanted(frozenset({"proposed", "merged", "failed", "stalled", "held"}))
OPEN = SeenRequest(
    *(7, "https://forge.example/7", "Update api", "api", "imagebot/api-1", "open", NOW),
    versions=("ghcr.io/acme/api:1.1.0",),
)
HELD = Decision(
    *("a.yaml:image", "a.yaml", 3, "ghcr.io/acme/api", "1.0.0", "", "held"),
    "1.1.0 is held until 2026-11-27 12:00 UTC: cool-down 3d",
)


def run(kind: OutcomeKind, at: datetime = NOW, text: str = "message") -> Run:
    return Run("fleet", kind, text, at, at)


def facts(kind: OutcomeKind = OutcomeKind.UP_TO_DATE, **more: object) -> Facts:
    return replace(Facts("fleet", (run(kind),)), **more)


class Listener:
    """Somebody who is told, and remembers through JSON as the store does."""

    def __init__(self, wanted: Wanted = ALL) -> None:
        self.wanted = wanted
        self.told: Told | None = None

    def hears(self, known: Facts, at: datetime = NOW) -> list[str]:
        lines, told = news(self.told, known, self.wanted, at)
        self.told = loaded(dumped(told))
        assert self.told == told
        return [line.text for line in lines]


def test_a_request_is_told_when_it_is_opened_and_when_its_versions_change() -> None:
    ear = Listener()
    assert ear.hears(facts(requests=(OPEN,))) == ["proposed: Update api https://forge.example/7"]
    assert ear.hears(facts(requests=(OPEN,))) == []
    newer = replace(OPEN, versions=("ghcr.io/acme/api:1.2.0",))
    assert ear.hears(facts(requests=(newer,))) == [
        "proposes other versions now: Update api https://forge.example/7"
    ]


def test_a_merge_is_told_once_and_none_from_before_anybody_listened() -> None:
    old = replace(OPEN, number=3, state="merged", ended_at=NOW - DAY)
    merged = replace(OPEN, state="merged", ended_at=NOW + DAY)
    ear = Listener()
    assert ear.hears(facts(requests=(old,))) == []
    assert ear.hears(facts(requests=(old, merged))) == [
        "merged: Update api https://forge.example/7"
    ]
    assert ear.hears(facts(requests=(old, merged))) == []


def test_a_failure_is_told_at_the_third_in_a_row_and_its_end_if_it_was_told() -> None:
    ear, failed = Listener(), run(OutcomeKind.FAILED, text="ghcr.io did not answer")
    assert ear.hears(Facts("fleet", (failed, failed, run(OutcomeKind.WAITING)))) == []
    assert ear.hears(Facts("fleet", (failed,) * 3)) == ["fails: ghcr.io did not answer"]
    assert ear.hears(Facts("fleet", (failed,) * 3)) == []
    assert ear.hears(facts()) == ["works again"]
    assert ear.hears(facts()) == []
    assert Listener().hears(facts()) == []


def test_what_is_stalled_is_told_with_its_problems_and_again_when_it_is_mended() -> None:
    ear = Listener()
    stalled = facts(OutcomeKind.STALLED, details=("imagebot.yaml:3: unknown key 'polcy'",))
    assert ear.hears(stalled) == [
        "needs a person: message",
        "imagebot.yaml:3: unknown key 'polcy'",
    ]
    assert ear.hears(stalled) == []
    assert ear.hears(facts(OutcomeKind.FAILED)) == []  # nobody knows now
    assert ear.hears(facts()) == ["needs nobody any more"]


def test_what_is_stalled_is_told_again_when_it_is_for_another_reason() -> None:
    ear, problem = Listener(), "imagebot.yaml:3: unknown key 'polcy'"
    assert len(ear.hears(facts(OutcomeKind.STALLED, details=(problem,)))) == 2
    assert ear.hears(facts(OutcomeKind.STALLED)) == []  # a look, which knows no problems
    another = facts(OutcomeKind.STALLED, details=("imagebot.yaml:9: not a range: 'x.y'",))
    assert ear.hears(another) == ["needs a person: message", "imagebot.yaml:9: not a range: 'x.y'"]
    refused = (run(OutcomeKind.STALLED, text="git said: access denied"),)
    assert ear.hears(facts(runs=refused, details=())) == ["needs a person: git said: access denied"]
    gone = (run(OutcomeKind.STALLED, text="git said: repository not found"),)
    assert len(ear.hears(facts(runs=gone, details=()))) == 1
    assert ear.hears(facts(runs=gone, details=())) == []


def test_a_count_in_the_message_that_changed_is_no_other_reason() -> None:
    ear, problem = Listener(), "imagebot.yaml:3: unknown key 'polcy'"
    for text, count in (("3 image references, 1 problem", 2), ("4 image references, 1 problem", 0)):
        stalled = (run(OutcomeKind.STALLED, text=text),)
        assert len(ear.hears(facts(runs=stalled, details=(problem,)))) == count


def test_what_is_held_is_told_with_its_reason_and_when_nothing_is_held_any_more() -> None:
    ear = Listener()
    (line,) = ear.hears(facts(held=(HELD, HELD)))
    assert line.startswith("held: ghcr.io/acme/api 1.0.0: 1.1.0 is held until 2026-11-27 12:00 UTC")
    assert ear.hears(facts(held=(HELD, HELD))) == []
    assert ear.hears(facts()) == ["nothing is held any more"]


def test_what_is_held_is_no_news_when_lines_or_containers_move_above_it() -> None:
    ear = Listener()
    assert len(ear.hears(facts(held=(HELD,)))) == 1
    moved = replace(HELD, place="a.yaml:spec.containers[1].image", line=9)
    assert ear.hears(facts(held=(moved,))) == []
    assert ear.hears(facts(held=(moved, replace(moved, file="b.yaml", place="b.yaml:x")))) == []
    assert len(ear.hears(facts(held=(replace(moved, reason="1.2.0 is held"),)))) == 1


def test_what_is_stalled_is_no_news_when_lines_move_above_it() -> None:
    ear = Listener()
    assert len(ear.hears(facts(OutcomeKind.STALLED, details=("a.yaml:3:5: not a range",)))) == 2
    assert ear.hears(facts(OutcomeKind.STALLED, details=("a.yaml:4:5: not a range",))) == []
    assert len(ear.hears(facts(OutcomeKind.STALLED, details=("b.yaml:4:5: not a range",)))) == 2


def test_only_what_was_asked_for_is_told() -> None:
    ear = Listener(Wanted(frozenset({"merged"})))
    assert ear.hears(facts(OutcomeKind.STALLED, requests=(OPEN,), held=(HELD,))) == []


def test_what_waits_is_told_again_once_in_each_interval() -> None:
    ear = Listener(Wanted(frozenset({"proposed", "stalled"}), remind=2 * DAY))
    waiting = facts(OutcomeKind.STALLED, requests=(OPEN,))
    assert len(ear.hears(waiting, NOW)) == 2
    assert ear.hears(waiting, NOW + DAY) == []
    reminded = [
        "open for 2d: Update api https://forge.example/7",
        "needs a person still: message",
    ]
    assert ear.hears(waiting, NOW + 2 * DAY) == reminded
    assert ear.hears(waiting, NOW + 3 * DAY) == []
    assert len(ear.hears(waiting, NOW + 4 * DAY)) == 2
    assert ear.hears(facts(), NOW + 9 * DAY) == ["needs nobody any more"]


@pytest.mark.parametrize(
    "hostile",
    ["<!channel> hi", "@everyone", "see https://evil.example", "a\nb\x1b[2J", "<b>x</b>"],
)
def test_texts_from_outside_mention_and_link_nobody(hostile: str) -> None:
    request = replace(OPEN, title=hostile, url="javascript:alert(1)")
    ear = Listener()
    stalled = facts(OutcomeKind.STALLED, requests=(request,), details=(hostile,))
    said = "\n".join(ear.hears(stalled))
    assert len(said.splitlines()) == 3
    for forbidden in ("<", ">", "@everyone", "https://evil", "\x1b", "javascript"):
        assert forbidden not in said


def test_a_long_message_is_cut_and_says_by_how_much() -> None:
    title, body = message("fleet", [News("proposed", str(number)) for number in range(50)])
    assert title == "imagebot: fleet: proposed"
    assert len(body.splitlines()) == MAX_LINES + 1
    assert body.endswith("- and 30 more")


def test_what_another_imagebot_wrote_counts_as_nothing_told() -> None:
    assert loaded('{"other": 1}') is None
    assert loaded("") is None
