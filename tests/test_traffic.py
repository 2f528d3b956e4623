"""What an answer is counted as."""

import pytest

from imagebot.traffic import outcome_of, remaining_in


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *[(200, "ok"), (307, "ok"), (304, "unchanged"), (401, "refused"), (403, "refused")],
        *[(404, "missing"), (429, "limited"), (400, "error"), (503, "error")],
    ],
)
def test_a_status_is_counted_as_one_word(status: int, outcome: str) -> None:
    assert outcome_of(status) == outcome


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        ({"ratelimit-remaining": "93;w=21600"}, 93),
        ({"x-ratelimit-remaining": "4999"}, 4999),
        ({"ratelimit-remaining": "0"}, 0),
        ({"ratelimit-remaining": "-1"}, None),
        ({"ratelimit-remaining": "9" * 400}, None),
        ({"ratelimit-remaining": "many"}, None),
        ({}, None),
    ],
)
def test_what_is_left_is_read_where_it_is_a_number(
    headers: dict[str, str], left: int | None
) -> None:
    assert remaining_in(headers.get) == left
