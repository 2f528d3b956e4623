"""Bodies fit every forge: whole parts go in a sensible order, table and record never."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.body import body, fitted
from imagebot.details import Release
from imagebot.records import apart, record_in
from tests.body import making
from tests.making import choice, policy

LONG = tuple(
    Release(f"v2.4.{n}", "", "https://github.com/acme/api", "2026-11-20", f"{'word ' * 20}\n" * 40)
    for n in range(5)
)
ROW = "| `ghcr.io/acme/api` | `2.3.0` | `2.4.1` |"


def whole() -> str:
    source = b"image: ghcr.io/acme/api:2.3.0\n"
    one = choice("ghcr.io/acme/api:2.3.0", "2.4.1")
    file = one.occurrence.file
    of = making.step("ghcr.io/acme/api", "2.3.0", "2.4.1")
    edits = {file: (making.edit(source, b"2.3.0", b"2.4.1"),)}
    told = making.told(of, releases=LONG)
    return body([one], before={file: source}, edits_by_file=edits, told=told)


def _fingerprint(text: str) -> str:
    record = record_in(text)
    assert record is not None
    return record.fingerprint


def parts(text: str) -> list[str]:
    return re.findall(r"(?m)^<!-- imagebot:part ([a-z]+) -->$", text)


def test_a_body_that_fits_stays_as_it_is() -> None:
    text = whole()
    assert fitted(text, len(text)) == text
    assert parts(text) == ["why", "diff", "changes", "content", "notes", "skip"]


def test_parts_go_whole_the_least_missed_first() -> None:
    text = whole()
    fingerprint = _fingerprint(text)
    seen: list[list[str]] = []
    for limit in range(len(text), 600, -20):
        shorter = fitted(text, limit)
        assert len(shorter) <= limit
        assert ROW in shorter
        assert _fingerprint(shorter) == fingerprint
        left = parts(shorter)
        if not seen or seen[-1] != left:
            seen.append(left)
    assert seen == [
        ["why", "diff", "changes", "content", "notes", "skip"],
        ["why", "diff", "changes", "content", "skip"],
        ["why", "diff", "changes", "skip"],
        ["why", "changes", "skip"],
        ["why", "skip"],
        ["skip"],
        [],
    ]


def test_the_reader_is_told_what_was_left_out() -> None:
    assert "(Left out, since this forge takes no longer text: release notes.)" in fitted(
        whole(), 5000
    )


def test_fitting_twice_is_fitting_once() -> None:
    text = whole()
    assert fitted(fitted(text, 4000), 4000) == fitted(text, 4000)
    assert fitted(fitted(text, 6000), 4000).count("Left out") == 1


@pytest.mark.parametrize("limit", [4000, 32_768, 60_000])
def test_a_large_group_keeps_its_first_rows_and_its_record(limit: int) -> None:
    rules = policy(group="all")
    text = body([choice(f"acme/app-{n}:1.0.0", governed_by=rules) for n in range(1500)])
    shorter = fitted(text, limit)
    assert len(shorter) <= limit
    assert "`acme/app-0`" in shorter
    assert _fingerprint(shorter) == _fingerprint(text)


@given(st.text(max_size=400), st.integers(20, 400))
def test_any_text_fits(text: str, limit: int) -> None:
    assert len(fitted(text, limit)) <= limit


@given(st.lists(st.sampled_from(["<!-- imagebot:part a -->", "<!-- imagebot:part notes -->", "x",
                                 "", "| row |", "<!-- imagebot:part why -->"]), max_size=30),
       st.integers(0, 300))  # fmt: skip
def test_any_parts_fit_around_a_record(lines: list[str], more: int) -> None:
    record = apart(whole())[1]
    text = "\n".join(lines) + f"\n\n{record}\n"
    shorter = fitted(text, len(record) + more + 40)
    assert len(shorter) <= len(record) + more + 40
    assert record_in(shorter) is not None
