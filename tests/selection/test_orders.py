"""The orders besides semver: what is compared, what belongs together, what is said of others."""

from datetime import UTC, datetime

import pytest

from imagebot.dates import Layout
from imagebot.model import Ground
from imagebot.patterns import Pattern
from imagebot.policy.model import Order, TagRules
from imagebot.selection import explain, select
from imagebot.version import Step

HEX64 = "0123456789abcdef" * 4


def rules(
    order: Order,
    *,
    pattern: str = "",
    extract: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
    layout: str = "",
    coerce: bool = False,
) -> TagRules:
    return TagRules(
        order=order,
        filter=Pattern.compile(pattern) if pattern else None,
        extract=extract,
        exclude=tuple(map(Pattern.compile, exclude)),
        layout=Layout.parse(layout) if layout else None,
        coerce=coerce,
    )


def chosen(tag_rules: TagRules, current: str | None, tags: str) -> list[str]:
    return [candidate.tag for candidate in select(tag_rules, current, tags.split()).candidates]


def reasons(tag_rules: TagRules, current: str | None, tags: str) -> dict[str, str]:
    return {each.tag: each.reason for each in explain(tag_rules, current, tags.split()).rejections}


# --- numeric -------------------------------------------------------------------------------------

NUMERIC = rules(Order.NUMERIC)


@pytest.mark.parametrize(
    ("current", "tags", "expected"),
    [
        ("7", "8 10 9 6", ["10", "9", "8"]),
        ("build-7", "build-8 build-10 test-11 8", ["build-10", "build-8"]),
        ("main-3f2a9c1-1728900000",
         "main-0aa9c11-1728900001 main-1728900002 dev-3f2a9c1-1728900003",
         ["main-0aa9c11-1728900001"]),
        # 7 digits may be a commit, too
        ("main-3f2a9c1-17", "main-1234567-18", ["main-1234567-18"]),
        # 17 digits differ in the last, where a float sees no difference
        ("20240115103000123", "20240115103000124 20240115103000122", ["20240115103000124"]),
        ("1.9", "1.10 1.91 2.0", ["2.0", "1.91"]),
        ("r12", "r13 r013 12", ["r013", "r13"]),
        ("100000000000000000000000000", "100000000000000000000000001",
         ["100000000000000000000000001"]),
    ],
)  # fmt: skip
def test_numbers_are_compared_exactly(current: str, tags: str, expected: list[str]) -> None:
    assert chosen(NUMERIC, current, tags) == expected


@pytest.mark.parametrize("tag", ["nan", "inf", "infinity", "1e9", "0x1f", "-1", "1_000", "٣", ""])
def test_what_is_no_number_is_rejected_and_harms_no_other(tag: str) -> None:
    listing = ["11", tag]
    found = explain(NUMERIC, "10", listing)
    assert [each.tag for each in found.candidates] == ["11"]
    assert [each.tag for each in found.rejections] == [tag]


def test_equal_numbers_have_one_winner_by_the_written_tie_break() -> None:
    for tags in ("1 1.0 01", "01 1.0 1", "1.0 01 1"):
        assert chosen(rules(Order.NUMERIC, pattern="."), "0", tags) == ["1.0", "01", "1"]


def test_a_tag_with_several_numbers_needs_an_extract() -> None:
    assert chosen(NUMERIC, "run-7-2", "run-8-1") == []
    assert "holds no number, or several" in explain(NUMERIC, "run-7-2", ["run-8-1"]).selection.note
    apart = rules(Order.NUMERIC, pattern=r"^run-(\d+)-(\d+)$", extract=("$1", "$2"))
    tags = "run-8-1 run-8-10 run-8-9 run-7-3 run-7-1 run-x-1"
    assert chosen(apart, "run-7-2", tags) == ["run-8-10", "run-8-9", "run-8-1", "run-7-3"]


def test_an_extract_that_is_no_number_is_told() -> None:
    apart = rules(Order.NUMERIC, pattern=r"^run-(.+)$", extract=("$1",))
    assert reasons(apart, "run-7", "run-x9")["run-x9"] == "not a number: the extract 'x9'"


def test_numbers_have_no_steps() -> None:
    (candidate,) = select(NUMERIC, "7", ["8"]).candidates
    assert candidate.step is None


# --- date ----------------------------------------------------------------------------------------

DATE = rules(Order.DATE)


@pytest.mark.parametrize(
    ("current", "tags", "expected"),
    [
        ("2024.10.1", "2024.10.2 2024.9.30 2024.11.0 2025.1.0",
         ["2025.1.0", "2024.11.0", "2024.10.2"]),
        ("20241001-3f2a9c1", "20241002-0aa9c11 20241003-1234567 20240930-3f2a9c1 20241101",
         ["20241003-1234567", "20241002-0aa9c11"]),
        ("release-2024w41", "release-2024w42 release-2024w9 release-2025w01 2025w02",
         ["release-2025w01", "release-2024w42"]),
        ("RELEASE.2024-10-02T17-50-41Z",
         "RELEASE.2024-10-13T13-34-11Z RELEASE.2024-10-02T17-50-42Z",
         ["RELEASE.2024-10-13T13-34-11Z", "RELEASE.2024-10-02T17-50-42Z"]),
        ("24.04", "24.10 22.04 25.04 24.04.1 2025.04", ["25.04", "24.10"]),
        ("jammy-20240911.1", "jammy-20240911.10 jammy-20241001.2 noble-20241001.1",
         ["jammy-20241001.2", "jammy-20240911.10"]),
        ("main-1728900000", "main-1728900001 dev-1728900002", ["main-1728900001"]),
        ("2024-10-01-alpine", "2024-11-01-alpine 2024-11-01 2024-11-01-slim",
         ["2024-11-01-alpine"]),
    ],
)  # fmt: skip
def test_the_usual_ways_to_write_a_date_need_no_layout(
    current: str, tags: str, expected: list[str]
) -> None:
    assert chosen(DATE, current, tags) == expected


@pytest.mark.parametrize(
    "tag", ["20241331", "2024.13.1", "20240230", "2024-W54", "1.2.3", "latest"]
)
def test_what_is_no_day_of_the_calendar_is_rejected(tag: str) -> None:
    assert reasons(DATE, "20241001", f"20241002 {tag}")[tag] == "no date in the layout %Y%m%d"


def test_a_layout_says_where_the_parts_stand() -> None:
    layout = rules(Order.DATE, layout="%d%m%Y")
    assert chosen(layout, "31122024", "01012025 30122024 99992025") == ["01012025"]
    months = rules(Order.DATE, layout="%Y%m")
    assert chosen(months, "app-202409", "app-202410 app-20241001 web-202411") == ["app-202410"]


def test_a_layout_reads_the_extract() -> None:
    policy = rules(
        Order.DATE, pattern=r"^(?P<day>\d{8})-(?P<run>\d+)-", extract=("$day", "$run"),
        layout="%Y%m%d",
    )  # fmt: skip
    tags = "20241002-9-abc 20241002-10-abd 20241001-8-abe 20241399-1-x"
    assert chosen(policy, "20241001-7-aaa", tags) == [
        "20241002-10-abd",
        "20241002-9-abc",
        "20241001-8-abe",
    ]
    why = reasons(policy, "20241001-7-aaa", tags)["20241399-1-x"]
    assert why == "not a date in the layout %Y%m%d: the extract '20241399'"


def test_dates_never_replace_versions() -> None:
    assert chosen(TagRules(), "1.25.0", "2024.10.1") == []


# --- alphabetic ----------------------------------------------------------------------------------


def test_texts_are_compared_bytewise_within_their_shape() -> None:
    order = rules(Order.ALPHABETIC)
    tags = "main-20240102-b main-20240103-a Main-20240104-a dev-20240105-a latest"
    assert chosen(order, "main-20240101-a", tags) == ["main-20240103-a"]
    assert chosen(order, "r9", "r10 r8 rx") == []  # by text, 9 is higher than 10


def test_a_filter_frees_the_shape() -> None:
    order = rules(Order.ALPHABETIC, pattern="^(jammy|noble)$")
    assert chosen(order, "jammy", "noble focal zesty") == ["noble"]


# --- newest-build --------------------------------------------------------------------------------

BUILD = rules(Order.NEWEST_BUILD)


def at(day: int) -> datetime:
    return datetime(2026, 11, day, tzinfo=UTC)


def test_before_times_are_known_the_tags_to_ask_about_are_named_newest_looking_first() -> None:
    tags = ["main-9-0aa9c11", "main-10-0aa9c12", "latest", f"sha256-{HEX64}.sig", "main-8-aaa9c13"]
    found = select(BUILD, "main-7-3f2a9c1", tags)
    assert found.candidates == ()
    assert found.undated == ("main-10-0aa9c12", "main-9-0aa9c11", "main-8-aaa9c13")
    assert explain(BUILD, "main-7-3f2a9c1", tags).selection == found


def test_excluded_and_skipped_tags_are_not_asked_about() -> None:
    order = rules(Order.NEWEST_BUILD, exclude=("^main-9-",))
    skipped = {"main-8-aaa9c13": "skipped"}
    tags = ["main-9-0aa9c11", "main-8-aaa9c13", "main-10-0aa9c12"]
    assert select(order, "main-7-3f2a9c1", tags, skipped=skipped).undated == ("main-10-0aa9c12",)


def test_the_newest_build_wins_whatever_its_name() -> None:
    times: dict[str, datetime | str] = {
        "sha-aaaaaa1": at(5),
        "sha-fffffff1": at(7),
        "sha-0000001": at(9),
        "sha-1234567": at(4),
        "sha-bbbbbb2": "the image does not say when it was built",
    }
    found = explain(BUILD, "sha-aaaaaa1", list(times), times=times)
    assert [each.tag for each in found.candidates] == ["sha-0000001", "sha-fffffff1"]
    why = {each.tag: each.reason for each in found.rejections}
    assert why["sha-1234567"] == "lower than the current sha-aaaaaa1"
    assert why["sha-bbbbbb2"] == "the image does not say when it was built"


def test_a_current_tag_without_a_time_has_no_candidates_but_a_note() -> None:
    times: dict[str, datetime | str] = {"sha-aaaaaa1": "gone", "sha-bbbbbb2": at(5)}
    found = select(BUILD, "sha-aaaaaa1", list(times), times=times)
    assert found.candidates == ()
    assert found.note == "the current sha-aaaaaa1 cannot be compared: gone"


# --- digest --------------------------------------------------------------------------------------

DIGEST = rules(Order.DIGEST)


def test_the_order_digest_follows_the_current_tag_alone() -> None:
    found = explain(DIGEST, "latest", ["latest", "1.0", "stable"])
    assert [(each.tag, each.step) for each in found.candidates] == [("latest", Step.DIGEST)]
    assert {each.tag: each.ground for each in found.rejections} == {
        "1.0": Ground.FAMILY,
        "stable": Ground.FAMILY,
    }


def test_a_followed_tag_that_is_not_listed_is_told() -> None:
    assert select(DIGEST, "latest", ["1.0"]).note == "the registry does not list latest"
    assert select(DIGEST, "latest", []).note == "the registry lists no tags"
    assert "no tag is written here" in select(DIGEST, None, ["latest"]).note


# --- what orders have in common ------------------------------------------------------------------


def test_later_extracts_break_ties_as_numbers() -> None:
    policy = TagRules(
        filter=Pattern.compile(r"^(?P<version>\d+\.\d+\.\d+)-alpine(?P<alpine>\d+\.\d+)$"),
        extract=("$version", "$alpine"),
    )
    tags = "7.2.0-alpine3.17 7.2.0-alpine3.9 7.2.0-alpine3.20 7.2.1-alpine3.9"
    assert chosen(policy, "7.0.0-alpine3.20", tags) == [
        "7.2.1-alpine3.9",
        "7.2.0-alpine3.20",
        "7.2.0-alpine3.17",
        "7.2.0-alpine3.9",
    ]
    # the same version on a newer base is an update, on an older one it is none
    assert chosen(policy, "7.2.0-alpine3.17", tags) == ["7.2.1-alpine3.9", "7.2.0-alpine3.20"]


def test_coerce_lets_short_versions_count_as_long_ones() -> None:
    assert chosen(TagRules(), "1.25", "1.26 1.26.1 2") == ["1.26"]
    assert chosen(TagRules(coerce=True), "1.25", "1.26 1.26.1 2 1.25.0") == ["2", "1.26.1", "1.26"]


def test_skipped_tags_are_kept_out_with_their_reason() -> None:
    skipped = {"2.4.0": "skipped until 2026-12-01: leaks", "1.0.0": "skipped"}
    found = explain(TagRules(), "2.3.0", ["2.3.1", "2.4.0", "1.0.0"], skipped=skipped)
    assert [each.tag for each in found.candidates] == ["2.3.1"]
    assert [(each.tag, each.reason) for each in found.selection.kept_out] == [
        ("2.4.0", "skipped until 2026-12-01: leaks")
    ]


def test_the_highest_tags_that_the_rules_keep_out_are_named_highest_first() -> None:
    tags = ["2.0.0", "1.9.0", "3.0.0", "3.1.0-rc.1", "1.2.4", "1.0.0", "3.0.0-alpine"]
    found = select(TagRules(allow=Step.PATCH), "1.2.3", tags)
    assert [each.tag for each in found.kept_out] == ["3.1.0-rc.1", "3.0.0", "2.0.0", "1.9.0"]
    assert [each.ground for each in found.kept_out] == [Ground.PRE_RELEASE, *[Ground.STEP] * 3]


@pytest.mark.parametrize(
    ("current", "tags", "expected"),
    [
        ("2024-10-14", "2024w01 2024-12-01 20250101", ["2024-12-01"]),
        ("2024.10.14", "2024-10-01 2024.10.15", ["2024.10.15"]),
        ("2024w40", "2024-12-01 2024w41", ["2024w41"]),
    ],
)
@pytest.mark.parametrize("extract", [(), ("$d",)])
def test_dates_written_in_another_way_have_no_common_measure_whatever_lets_them_in(
    current: str, tags: str, expected: list[str], extract: tuple[str, ...]
) -> None:
    free = TagRules(order=Order.DATE, filter=Pattern.compile("^(?P<d>20.*)$"), extract=extract)
    assert chosen(free, current, tags) == expected


def test_without_a_current_tag_no_two_ways_to_write_dates_are_compared() -> None:
    tags = ["2024w01", "2024-12-01", "20250101", "noise"]
    for rules in (
        TagRules(order=Order.DATE),
        TagRules(order=Order.DATE, filter=Pattern.compile("^20.*$")),
        TagRules(order=Order.DATE, filter=Pattern.compile("^(?P<d>20.*)$"), extract=("$d",)),
    ):
        explained = explain(rules, None, tags)
        assert explained.candidates == ()
        reasons = {each.tag: each.reason for each in explained.rejections}
        assert "a layout has to say" in reasons["20250101"]
        assert not any("None" in reason for reason in reasons.values())


def test_without_a_current_tag_a_layout_compares_dates_that_stand_alone() -> None:
    rules = TagRules(order=Order.DATE, layout=Layout.parse("%Y%m%d"))
    explained = explain(rules, None, ["20240101", "20250101", "edge-20260101"])
    assert [each.tag for each in explained.candidates] == ["20250101", "20240101"]
    (refused,) = explained.rejections
    assert "None" not in refused.reason
    assert "a filter can let it in" in refused.reason
