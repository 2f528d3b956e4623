"""How often an image repository is asked, and what an answer changes in what is known of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from imagebot.errors import NotInRegistry, RegistryUnavailable
from imagebot.image import Digest, Repository
from imagebot.model import TagList
from imagebot.polls import (
    PATIENCE,
    Answer,
    Pace,
    Poll,
    Use,
    answer_of,
    fingerprint,
    is_news,
    noted,
    with_digests,
)

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
API = Repository("ghcr.io", "acme/api")
PACE = Pace(MINUTE, 15 * MINUTE, 5 * MINUTE, 0.1)
OLD, NEW = Digest("sha256:" + "1" * 64), Digest("sha256:" + "2" * 64)


def poll(use: Use, *answers: Answer) -> Poll:
    """What is known after these answers, each a day after the one before."""
    known = None
    for index, answer in enumerate(answers):
        known = noted(known, use, answer, NOW + timedelta(days=index), PACE, 0.5)
    assert known
    return known


@pytest.mark.parametrize(
    ("quiet", "interval"),
    [
        (timedelta(0), MINUTE),
        (100 * MINUTE, MINUTE),
        (500 * MINUTE, 5 * MINUTE),
        (timedelta(days=1), timedelta(minutes=14.4)),
        (timedelta(days=30), 15 * MINUTE),
        (timedelta(hours=-1), MINUTE),  # a clock that was set back
    ],
)
def test_the_longer_the_tags_stay_the_seldomer_they_are_listed(
    quiet: timedelta, interval: timedelta
) -> None:
    assert PACE.interval(None, NOW - quiet, NOW) == interval


@pytest.mark.parametrize(
    ("own", "interval"), [(MINUTE / 2, MINUTE), (7 * MINUTE, 7 * MINUTE), (PACE.most * 9,) * 2]
)
def test_the_interval_of_a_policy_counts_instead_but_never_below_the_least(
    own: timedelta, interval: timedelta
) -> None:
    for quiet in (timedelta(0), timedelta(days=30)):
        assert PACE.interval(own, NOW - quiet, NOW) == interval


def test_an_image_that_is_new_to_us_is_asked_again_after_the_usual_interval() -> None:
    assert poll(Use(API), Answer(("1.0",))).due_at == NOW + 5 * MINUTE


def test_jitter_keeps_the_mean() -> None:
    spans = [PACE.jittered(10 * MINUTE, roll) for roll in (0.0, 0.5, 1.0)]
    assert spans == [9 * MINUTE, 10 * MINUTE, 11 * MINUTE]


def test_another_tag_is_news_and_quickens_the_polls() -> None:
    before = poll(Use(API), Answer(("1.0",)))
    after = noted(before, Use(API), Answer(("1.0", "1.1")), NOW + 5 * MINUTE, PACE, 0.5)
    assert is_news(before, after)
    assert after.due_at == NOW + 6 * MINUTE


def test_the_same_tags_in_another_order_are_no_news() -> None:
    before = poll(Use(API), Answer(("1.0", "1.1")))
    after = noted(before, Use(API), Answer(("1.1", "1.0")), NOW + 5 * MINUTE, PACE, 0.5)
    assert not is_news(before, after)
    assert after.fingerprint == fingerprint(["1.0", "1.1"])


def test_a_listing_that_was_not_modified_is_no_news() -> None:
    before = poll(Use(API), Answer(("1.0",), etag='"a"'))
    after = noted(before, Use(API), Answer(etag='"a"'), NOW + 5 * MINUTE, PACE, 0.5)
    assert not is_news(before, after)
    assert (after.fingerprint, after.etag) == (fingerprint(["1.0"]), '"a"')
    assert after.polled_at == NOW + 5 * MINUTE


@pytest.mark.parametrize(
    ("answer", "is_moved"),
    [
        (Answer(digests={"stable": OLD}), False),
        (Answer(digests={"stable": NEW}), True),
        (Answer(gone=frozenset({"stable"})), True),
        (Answer(gone=frozenset({"other"})), False),
        (Answer(), False),  # no answer for the tag: whoever needs it asks
    ],
)
def test_a_followed_tag_that_moved_or_went_is_news(answer: Answer, is_moved: bool) -> None:
    use = Use(API, followed=frozenset({"stable"}))
    before = poll(use, Answer(("stable",), digests={"stable": OLD}))
    after = noted(before, use, answer, NOW + MINUTE, PACE, 0.5)
    assert is_news(before, after) is is_moved
    assert after.digests == answer.digests


def test_failures_are_retried_soon_but_no_later_than_the_next_poll() -> None:
    failed = Answer(trouble="no answer", can_retry=True)
    waits, known = [], poll(Use(API), Answer(("1.0",)))
    for _ in range(8):
        known = noted(known, Use(API), failed, NOW, PACE, 0.5)
        waits.append((known.due_at - NOW).total_seconds())
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300]


def test_a_failure_that_no_retry_mends_waits_for_the_next_poll() -> None:
    known = poll(Use(API), Answer(("1.0",)))
    refused = answer_of(NotInRegistry("there is no such image"))
    assert noted(known, Use(API), refused, NOW, PACE, 0.5).due_at == NOW + 5 * MINUTE


def test_a_wait_that_the_registry_asked_for_is_kept() -> None:
    limited = answer_of(RegistryUnavailable("429", retry_after_seconds=3600))
    after = noted(None, Use(API), limited, NOW, PACE, 0.5)
    assert after.due_at == NOW + timedelta(hours=1)


def test_the_end_of_a_trouble_is_news_and_the_trouble_itself_is_not() -> None:
    before = poll(Use(API), Answer(("1.0",)))
    troubled = noted(before, Use(API), Answer(trouble="no answer"), NOW, PACE, 0.5)
    mended = noted(troubled, Use(API), Answer(("1.0",)), NOW, PACE, 0.5)
    assert not is_news(before, troubled)
    assert is_news(troubled, mended)
    assert mended.fails == 0


def test_what_is_known_is_taken_until_the_next_poll_is_late() -> None:
    known = poll(Use(API), Answer(("1.0",)))
    assert known.can_be_taken(known.due_at + PATIENCE)
    assert not known.can_be_taken(known.due_at + PATIENCE * 1.1)


def test_what_is_known_is_taken_while_a_slow_registry_is_asked() -> None:
    known = poll(Use(API), Answer(("1.0",)))
    late = known.due_at + PATIENCE * 2
    asked = replace(known, claimed_until=late)
    assert asked.can_be_taken(late - MINUTE / 60)
    assert not asked.can_be_taken(late)
    assert not replace(asked, wanted_at=NOW).can_be_taken(late - MINUTE / 60)


def test_after_a_wake_up_nothing_older_is_taken() -> None:
    known = replace(poll(Use(API), Answer(("1.0",))), wanted_at=NOW + MINUTE)
    assert not known.can_be_taken(NOW + MINUTE)
    asked_before = noted(known, Use(API), Answer(("1.0",)), NOW, PACE, 0.5)
    assert not asked_before.can_be_taken(NOW + MINUTE)
    assert asked_before.due_at == known.due_at
    assert noted(known, Use(API), Answer(("1.0",)), NOW + 2 * MINUTE, PACE, 0.5).wanted_at is None


def test_a_policy_that_comes_with_a_shorter_interval_brings_the_next_poll_forward() -> None:
    known = poll(Use(API), Answer(("1.0",)))
    sooner = with_digests(known, Use(API, 2 * MINUTE), Answer(), NOW + MINUTE, PACE, 0.5)
    assert sooner.due_at == NOW + 2 * MINUTE
    later = with_digests(known, Use(API, 60 * MINUTE), Answer(), NOW + MINUTE, PACE, 0.5)
    assert later.due_at == NOW + 60 * MINUTE


def test_a_listing_keeps_its_etag_and_a_failure_its_words() -> None:
    assert answer_of(TagList(API, ("1.0",), etag='"a"')) == Answer(("1.0",), etag='"a"')
    failed = answer_of(RegistryUnavailable("it is down", hint="wait"))
    assert failed == Answer(trouble="it is down (wait)", can_retry=True)
