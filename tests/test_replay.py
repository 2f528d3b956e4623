"""What a policy would have done in the past, and the laws of every replay."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from imagebot.image import Digest, Repository
from imagebot.model import Verdict
from imagebot.patterns import Pattern
from imagebot.policy.model import (
    Cooldown,
    Held,
    Order,
    Pin,
    Policy,
    Skip,
    Suspension,
    TagRules,
)
from imagebot.replay import MAX_REPLAYED, Action, Replayed, replay
from imagebot.selection import select
from imagebot.tag_lists import GivenTag
from imagebot.version import Key, Range, Step, key_of, parse

IMAGE = Repository("ghcr.io", "acme/api")
START = datetime(2026, 10, 1, tzinfo=UTC)
END = START + timedelta(days=400)
A, B = (Digest("sha256:" + letter * 64) for letter in "ab")


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def policy(tags: TagRules | None = None, **more: object) -> Policy:
    return Policy("api", "apps/imagebot.yaml", 1, tags=tags or TagRules(), **more)  # type: ignore[arg-type]


def past(*tags: tuple[float, str]) -> list[GivenTag]:
    return [GivenTag(tag, day(number)) for number, tag in tags]


def told(replayed: Replayed) -> list[tuple[float, str, str | None, str]]:
    return [
        ((each.at - START) / timedelta(days=1), str(each.action), each.before, each.after)
        for each in replayed.timeline
    ]


def test_each_better_tag_opens_a_request_that_is_merged_at_once() -> None:
    replayed = replay(
        policy(), IMAGE, past((0, "1.0.0"), (1, "1.1.0"), (2, "1.0.9"), (3, "2.0.0")), END
    )
    assert told(replayed) == [
        (0, "start", None, "1.0.0"),
        (1, "open", "1.0.0", "1.1.0"),
        (1, "merge", "1.0.0", "1.1.0"),
        (3, "open", "1.1.0", "2.0.0"),
        (3, "merge", "1.1.0", "2.0.0"),
    ]
    assert [each.step for each in replayed.timeline] == [
        None, Step.MINOR, Step.MINOR, Step.MAJOR, Step.MAJOR,
    ]  # fmt: skip
    assert replayed.current == "2.0.0"


def test_a_replay_of_no_tags_is_empty() -> None:
    replayed = replay(policy(), IMAGE, [], END)
    assert (replayed.timeline, replayed.current, replayed.undated) == ((), None, ())


def test_a_cooldown_opens_the_request_when_the_clock_has_run_out() -> None:
    rules = policy(cooldown=Cooldown(timedelta(days=3)))
    replayed = replay(rules, IMAGE, past((0, "1.0.0"), (1, "1.1.0")), END)
    assert told(replayed)[1:] == [
        (4, "open", "1.0.0", "1.1.0"),
        (4, "merge", "1.0.0", "1.1.0"),
    ]
    assert replayed.timeline[1].held_since == day(1)


def test_what_is_held_at_the_end_is_told_with_its_clock() -> None:
    rules = policy(cooldown=Cooldown(timedelta(days=3)))
    replayed = replay(rules, IMAGE, past((0, "1.0.0"), (1, "1.1.0")), day(2))
    assert told(replayed) == [(0, "start", None, "1.0.0")]
    (waiting,) = replayed.waiting
    assert (waiting.tag, waiting.verdict, waiting.until) == ("1.1.0", Verdict.HOLD, day(4))


def test_a_held_tag_lets_the_next_one_go_or_all_wait_as_the_policy_says() -> None:
    tags = past((0, "1.0.0"), (1, "1.1.0"), (3, "1.2.0"))
    cooldown = Cooldown(timedelta(days=3))
    following = replay(policy(cooldown=cooldown, held=Held.NEXT), IMAGE, tags, END)
    waiting = replay(policy(cooldown=cooldown, held=Held.WAIT), IMAGE, tags, END)
    opened = [[row[:1] + row[3:] for row in told(each) if row[1] == "open"]
              for each in (following, waiting)]  # fmt: skip
    assert opened == [[(4, "1.1.0"), (6, "1.2.0")], [(6, "1.2.0")]]


def test_a_request_that_is_not_merged_yet_is_updated() -> None:
    tags = past((0, "1.0.0"), (1, "1.1.0"), (2, "1.2.0"), (9, "1.3.0"))
    replayed = replay(policy(), IMAGE, tags, END, merge_after=timedelta(days=3))
    assert told(replayed)[1:] == [
        (1, "open", "1.0.0", "1.1.0"),
        (2, "update", "1.0.0", "1.2.0"),
        (4, "merge", "1.0.0", "1.2.0"),
        (9, "open", "1.2.0", "1.3.0"),
        (12, "merge", "1.2.0", "1.3.0"),
    ]


def test_a_request_that_is_open_at_the_end_is_told() -> None:
    tags = past((0, "1.0.0"), (1, "1.1.0"))
    replayed = replay(policy(), IMAGE, tags, day(2), merge_after=timedelta(days=3))
    assert (replayed.current, replayed.proposed) == ("1.0.0", "1.1.0")


def test_a_skipped_tag_may_go_on_the_day_that_the_policy_names() -> None:
    rules = policy(skip=(Skip("1.1.0", "leaks", date(2026, 10, 11)),))
    replayed = replay(rules, IMAGE, past((0, "1.0.0"), (1, "1.1.0")), END)
    assert told(replayed)[1] == (10, "open", "1.0.0", "1.1.0")


def test_nothing_is_opened_while_the_policy_is_suspended() -> None:
    tags = past((0, "1.0.0"), (1, "1.1.0"), (2, "1.2.0"))
    until = replay(policy(suspend=Suspension("freeze", date(2026, 10, 6))), IMAGE, tags, END)
    assert told(until)[1:] == [(5, "open", "1.0.0", "1.2.0"), (5, "merge", "1.0.0", "1.2.0")]
    forever = replay(policy(suspend=Suspension("freeze")), IMAGE, tags, END)
    assert told(forever) == [(0, "start", None, "1.0.0")]
    assert forever.reason == "suspended: freeze"


def test_the_replay_starts_from_the_current_tag_at_its_time() -> None:
    tags = past((0, "1.0.0"), (1, "1.1.0"), (2, "1.2.0"))
    assert told(replay(policy(), IMAGE, tags, END, current="1.1.0")) == [
        (2, "open", "1.1.0", "1.2.0"),
        (2, "merge", "1.1.0", "1.2.0"),
    ]


def test_a_tag_without_a_time_is_listed_and_never_proposed() -> None:
    tags = [*past((0, "1.0.0"), (1, "1.1.0")), GivenTag("1.2.0"), GivenTag("latest")]
    replayed = replay(policy(), IMAGE, tags, END)
    assert replayed.undated == ("1.2.0", "latest")
    assert replayed.current == "1.1.0"


def test_only_the_newest_tags_are_replayed_and_the_rest_is_counted() -> None:
    tags = past(*((number / 100, f"1.0.{number}") for number in range(MAX_REPLAYED + 7)))
    replayed = replay(policy(), IMAGE, tags, END, current="1.0.2000")
    assert replayed.left_out_count == 7
    assert replayed.current == f"1.0.{MAX_REPLAYED + 6}"


def test_a_tag_that_is_pushed_again_starts_its_cooldown_again() -> None:
    rules = policy(cooldown=Cooldown(timedelta(days=3)))
    tags = [
        *past((0, "1.0.0")),
        GivenTag("1.1.0", day(1), A),
        GivenTag("1.1.0", day(3), B),
    ]
    replayed = replay(rules, IMAGE, tags, END)
    assert told(replayed)[1] == (6, "open", "1.0.0", "1.1.0")
    assert replayed.timeline[1].held_since == day(3)


def test_the_order_digest_follows_where_one_tag_points() -> None:
    rules = policy(TagRules(order=Order.DIGEST), pin=Pin.KEEP)
    tags = [GivenTag("main", day(0), A), GivenTag("main", day(2), B)]
    assert told(replay(rules, IMAGE, tags, END, current="main")) == [
        (2, "open", f"main@{A.short}", f"main@{B.short}"),
        (2, "merge", f"main@{A.short}", f"main@{B.short}"),
    ]


def test_the_same_content_under_a_higher_tag_opens_nothing() -> None:
    tags = [GivenTag("1.0.0", day(0), A), GivenTag("1.0.1", day(1), A)]
    assert told(replay(policy(), IMAGE, tags, END)) == [(0, "start", None, "1.0.0")]


def test_a_newest_build_policy_follows_the_times() -> None:
    rules = policy(TagRules(order=Order.NEWEST_BUILD, filter=Pattern.compile("^main-")))
    tags = past((0, "main-ff00"), (1, "main-0a0a"), (2, "dev-1"), (3, "main-beef"))
    assert [row[3] for row in told(replay(rules, IMAGE, tags, END)) if row[1] == "open"] == [
        "main-0a0a",
        "main-beef",
    ]


def rank(tag: str) -> Key:
    version = parse(tag.removeprefix("v"))
    assert version is not None
    return key_of(version)


# --- Laws ----------------------------------------------------------------------------------------

versions = st.builds("{}.{}.{}".format, *[st.integers(0, 3)] * 3)
odd = st.sampled_from(["latest", "v1.2.0", "1.2", "2.0.0-rc.1", "1.2.3-alpine", "1.0.0-debug"])
pasts = st.dictionaries(versions | odd, st.integers(0, 60), max_size=25).map(
    lambda days: past(*((number / 2, tag) for tag, number in days.items()))
)
rules_of_tags = st.builds(
    TagRules,
    range=st.sampled_from([None, Range.parse(">=1 <3"), Range.parse(">=1.1-0")]),
    exclude=st.sampled_from([(), (Pattern.compile("2$"),)]),
    allow=st.sampled_from([Step.MAJOR, Step.MINOR, Step.PATCH]),
)
policies = st.builds(
    policy,
    rules_of_tags,
    cooldown=st.sampled_from(
        [Cooldown(), Cooldown(timedelta(days=2)), Cooldown(major=timedelta(days=9))]
    ),
    held=st.sampled_from(Held),
    skip=st.sampled_from([(), (Skip("1.1.1", "", date(2026, 10, 9)), Skip("2.0.0"))]),
    suspend=st.sampled_from([None, Suspension("", date(2026, 10, 5))]),
)
waits = st.sampled_from([timedelta(0), timedelta(hours=7), timedelta(days=5)])


@settings(deadline=None)
@given(policies, pasts, waits)
def test_no_replay_ever_proposes_a_lower_tag_and_every_timeline_is_in_order(
    rules: Policy, tags: list[GivenTag], wait: timedelta
) -> None:
    timeline = replay(rules, IMAGE, tags, END, merge_after=wait).timeline
    times = [each.at for each in timeline]
    assert times == sorted(times)
    for each in timeline:
        if each.before is None:
            assert each.action is Action.START
        else:
            assert rank(each.after) > rank(each.before)


@settings(deadline=None)
@given(policies, pasts, waits)
def test_at_most_one_request_is_open_and_only_an_open_one_is_updated_merged_or_closed(
    rules: Policy, tags: list[GivenTag], wait: timedelta
) -> None:
    replayed = replay(rules, IMAGE, tags, END, merge_after=wait)
    written: str | None = None
    proposed: str | None = None
    for each in replayed.timeline:
        assert each.before == written
        assert (proposed is None) == (each.action in (Action.START, Action.OPEN))
        if each.action in (Action.START, Action.MERGE):
            assert each.action is Action.START or each.after == proposed
            written, proposed = each.after, None
        elif each.action is Action.CLOSE:
            proposed = None
        else:
            assert each.after != proposed
            proposed = each.after
    assert (replayed.current, replayed.proposed) == (written, proposed)


@settings(deadline=None)
@given(rules_of_tags, pasts)
def test_where_no_gate_holds_the_end_is_what_selection_chooses_over_all_tags(
    rules: TagRules, tags: list[GivenTag]
) -> None:
    replayed = replay(policy(rules), IMAGE, tags, END)
    names = [each.tag for each in tags]
    if replayed.current is None:
        assert not select(rules, None, names).candidates
        return
    assert not select(rules, replayed.current, names).candidates
    start = replayed.timeline[0].after
    best = select(rules, start, names).candidates
    assert rank(replayed.current) == rank(best[0].tag if best else start)


@settings(deadline=None)
@given(policies, pasts, waits, st.randoms())
def test_the_order_in_which_tags_are_given_changes_nothing(
    rules: Policy, tags: list[GivenTag], wait: timedelta, random: object
) -> None:
    shuffled = list(tags)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (replay(rules, IMAGE, each, END, merge_after=wait) for each in (tags, shuffled))
    assert one == other


@settings(deadline=None)
@given(policies, pasts, waits, st.integers(0, 30))
def test_a_shorter_replay_is_the_beginning_of_a_longer_one(
    rules: Policy, tags: list[GivenTag], wait: timedelta, days: int
) -> None:
    """What comes later never changes what was done before."""
    whole = replay(rules, IMAGE, tags, END, merge_after=wait).timeline
    part = replay(rules, IMAGE, tags, day(days), merge_after=wait).timeline
    assert part == tuple(each for each in whole if each.at <= day(days))


def test_many_tags_are_replayed_with_one_request_each() -> None:
    tags = past(*((number / 100, f"1.{number}.0") for number in range(300)))
    replayed = replay(policy(), IMAGE, tags, END)
    assert sum(each.action is Action.OPEN for each in replayed.timeline) == 299
