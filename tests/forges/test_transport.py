"""How long a forge may make us wait, and what of its words we repeat."""

from datetime import UTC, datetime

import pytest

from imagebot.forges.transport import (
    limit_ends_in_seconds,
    origin_of,
    rest_seconds,
    retry_after_seconds,
    shown,
)

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1", 1),
        ("3600", 3600),
        (" 60 ", 60),
        ("Mon, 23 Nov 2026 12:02:00 GMT", 120),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("Mon Nov 23 12:02:00 2026", 120),  # asctime
        ("Mon, 23 Nov 2026 12:02:00", 120),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 86400),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0),
        ("99999999999", 86400),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("9" * 400, None),
    ],
)
def test_a_forge_says_when_to_come_back_in_seconds_or_as_a_date(
    written: str, seconds: float | None
) -> None:
    assert retry_after_seconds({"retry-after": written}, NOW) == seconds


@pytest.mark.parametrize("prefix", ["x-ratelimit", "ratelimit"])
def test_a_used_up_limit_ends_at_its_reset(prefix: str) -> None:
    reset = str(int(NOW.timestamp()) + 90)
    headers = {f"{prefix}-remaining": "0", f"{prefix}-reset": reset}
    assert limit_ends_in_seconds(headers, NOW) == 90


def test_the_reset_of_a_limit_that_is_not_used_up_does_not_count() -> None:
    headers = {"x-ratelimit-remaining": "17", "x-ratelimit-reset": "9999999999"}
    assert limit_ends_in_seconds(headers, NOW) == 60


def test_a_reset_may_be_given_in_seconds_from_now() -> None:
    headers = {"ratelimit-remaining": "0", "ratelimit-reset": "30"}
    assert limit_ends_in_seconds(headers, NOW) == 30


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"retry-after": "7"}, 7),  # Azure DevOps sends it with answers that it gave late
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "30"}, 0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}, 30),
        ({"x-ratelimit-remaining": "0"}, 0),
    ],
)
def test_an_answer_says_how_long_to_be_silent_after_it(
    headers: dict[str, str], seconds: float
) -> None:
    assert rest_seconds(headers, NOW) == seconds


def test_retry_after_wins_over_the_reset() -> None:
    headers = {"retry-after": "5", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "9999999999"}
    assert limit_ends_in_seconds(headers, NOW) == 5


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.github.com/repos?x=1", "https://api.github.com:443"),
        ("https://API.github.com:443", "https://api.github.com:443"),
        ("http://127.0.0.1:8080/api", "http://127.0.0.1:8080"),
        ("http://127.0.0.1:", "http://127.0.0.1:80"),
        ("https://[::1]:3000/", "https://::1:3000"),
    ],
)
def test_an_origin_has_its_port_written_out(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def test_a_forges_words_are_one_short_line_without_our_secrets() -> None:
    words = shown("bad\n\x1b[31mtoken s3cret " + "x" * 500, "s3cret", "")
    assert words.startswith("bad [31mtoken **** xxx")
    assert len(words) < 320
