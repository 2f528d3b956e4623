"""How many requests may be open and opened: what goes, what waits, and until when."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from imagebot import limits
from imagebot.limits import REPOSITORY, Candidate, Existing, Waits, waiting
from imagebot.policy.model import Limit
from imagebot.version import Step

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
API, WEB = "apps/imagebot.yaml#api", "apps/imagebot.yaml#web"


def ago(minutes: int) -> datetime:
    return NOW - timedelta(minutes=minutes)


def candidate(branch: str, since: int | None = 0, step: Step | None = Step.MINOR) -> Candidate:
    return Candidate(branch, frozenset({API}), None if since is None else ago(since), step)


def existing(created: int | None = None, *, is_open: bool = True, of: str = API) -> Existing:
    return Existing(frozenset({of}), is_open, None if created is None else ago(created))


def test_without_limits_everything_goes() -> None:
    assert waiting([candidate("a"), candidate("b")], [existing()], {}, NOW) == {}
    assert waiting([candidate("a")], [existing()], {REPOSITORY: Limit()}, NOW) == {}


def test_what_waited_longest_goes_first_then_the_smaller_step_then_the_name() -> None:
    candidates = [
        candidate("unknown", None),
        candidate("b-minor", 5),
        candidate("a-minor", 5),
        candidate("patch", 5, Step.PATCH),
        candidate("stepless", 5, None),
        candidate("old-major", 60, Step.MAJOR),
    ]
    order = [each.branch for each in limits.in_order(candidates)]
    assert order == ["old-major", "patch", "a-minor", "b-minor", "stepless", "unknown"]
    found = waiting(candidates, [existing()], {REPOSITORY: Limit(open=3)}, NOW)
    assert sorted(found) == ["a-minor", "b-minor", "stepless", "unknown"]


def test_an_hourly_limit_tells_when_the_next_may_be_opened() -> None:
    made = [existing(50, is_open=False), existing(20), existing(90)]
    found = waiting([candidate("a")], made, {REPOSITORY: Limit(new_per_hour=2)}, NOW)
    until = ago(50) + timedelta(hours=1)
    assert found == {
        "a": Waits("at most 2 requests in this git repository may be opened in an hour", until)
    }
    assert not waiting([candidate("a")], made, {REPOSITORY: Limit(new_per_hour=2)}, until)


def test_a_limit_of_open_ones_has_no_time_and_is_told_first() -> None:
    limit = Limit(open=1, new_per_hour=1)
    found = waiting([candidate("a")], [existing(5)], {REPOSITORY: limit}, NOW)
    assert found == {"a": Waits("at most 1 request in this git repository may be open at once")}


def test_a_limit_of_a_policy_keeps_back_only_what_carries_its_updates() -> None:
    of_web = Candidate("web", frozenset({WEB}), ago(1))
    of_both = Candidate("both", frozenset({API, WEB}), ago(2))
    found = waiting([candidate("api"), of_web, of_both], [existing()], {API: Limit(open=1)}, NOW)
    assert sorted(found) == ["api", "both"]
    assert f"of policy {API}" in found["both"].why


def test_what_is_kept_back_by_its_policy_takes_no_place_of_others() -> None:
    first, second = candidate("first", 60), Candidate("second", frozenset({WEB}), ago(1))
    rules = {REPOSITORY: Limit(open=2), API: Limit(open=1)}
    assert sorted(waiting([first, second], [existing()], rules, NOW)) == ["first"]


candidates = st.lists(
    st.builds(
        Candidate,
        branch=st.uuids().map(str),
        counts_for=st.frozensets(st.sampled_from([API, WEB]), min_size=1),
        waiting_since=st.none() | st.integers(0, 999).map(ago),
        step=st.none() | st.sampled_from(list(Step)),
    ),
    unique_by=lambda each: each.branch,
    max_size=8,
)
requests = st.lists(
    st.builds(
        Existing,
        counts_for=st.frozensets(st.sampled_from([API, WEB])),
        is_open=st.booleans(),
        created=st.none() | st.integers(0, 120).map(ago),
    ),
    max_size=6,
)
limit = st.builds(
    Limit,
    open=st.none() | st.integers(1, 5),
    new_per_hour=st.none() | st.integers(1, 5),
)
rules = st.dictionaries(st.sampled_from([REPOSITORY, API, WEB]), limit)


@given(candidates, requests, rules)
def test_no_limit_is_ever_passed_by_what_goes(
    new: list[Candidate], made: list[Existing], told: dict[str, Limit]
) -> None:
    waits = waiting(new, made, told, NOW)
    going = [each for each in new if each.branch not in waits]
    for name, each in told.items():
        mine = [one for one in going if name in ("", *one.counts_for)]
        others = [one for one in made if name in ("", *one.counts_for)]
        if mine and each.open is not None:
            assert len(mine) + sum(one.is_open for one in others) <= each.open
        recent = [one for one in others if one.created and one.created > ago(60)]
        if mine and each.new_per_hour is not None:
            assert len(mine) + len(recent) <= each.new_per_hour


@given(candidates, requests, rules)
def test_what_waits_would_pass_a_limit_with_what_goes_before_it(
    new: list[Candidate], made: list[Existing], told: dict[str, Limit]
) -> None:
    waits = waiting(new, made, told, NOW)
    going = [each for each in new if each.branch not in waits]
    for each in new:
        if each.branch in waits:
            assert each.branch in waiting([*going, each], made, told, NOW)


@given(candidates, requests, rules, st.randoms())
def test_the_order_in_which_they_are_told_does_not_matter(
    new: list[Candidate], made: list[Existing], told: dict[str, Limit], luck: object
) -> None:
    shuffled = sorted(new, key=lambda _: luck.random())  # type: ignore[attr-defined]
    assert waiting(shuffled, made, told, NOW) == waiting(new, made, told, NOW)
