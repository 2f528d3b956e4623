"""Which tags are candidates, in which order, and why the others are not."""

import random
import re
from pathlib import Path

import pytest
import semver
from hypothesis import given
from hypothesis import strategies as st

from imagebot.model import Selection
from imagebot.patterns import Pattern
from imagebot.policy.model import TagRules
from imagebot.selection import explain, newest_by_step, select
from imagebot.version import Range, Step, key_of, parse

ALPINE = Pattern.compile(r"^(?P<version>\d+\.\d+\.\d+)-alpine")
HEX64 = "0123456789abcdef" * 4


SAME = "as high as the current: nothing differs that the order compares"


def rules(
    range_text: str = "",
    *,
    pattern: str = "",
    extract: str | tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
    allow: Step = Step.MAJOR,
) -> TagRules:
    return TagRules(
        range=Range.parse(range_text) if range_text else None,
        filter=Pattern.compile(pattern) if pattern else None,
        extract=(extract,) if isinstance(extract, str) else extract,
        exclude=tuple(map(Pattern.compile, exclude)),
        allow=allow,
    )


def candidates(selection: Selection) -> list[str]:
    return [candidate.tag for candidate in selection.candidates]


def chosen(tag_rules: TagRules, current: str | None, tags: str) -> list[str]:
    return candidates(select(tag_rules, current, tags.split()))


def reason(tag_rules: TagRules, current: str | None, tag: str) -> str:
    found = explain(tag_rules, current, [tag])
    assert [rejection.tag for rejection in found.rejections] == [tag], found
    return found.rejections[0].reason


def test_candidates_are_higher_than_the_current_best_first() -> None:
    tags = "1.0.0 1.2.3 1.2.4 1.10.0 1.9.0 2.0.0"
    assert chosen(rules(), "1.2.3", tags) == ["2.0.0", "1.10.0", "1.9.0", "1.2.4"]


def test_each_candidate_tells_its_step_and_what_was_ordered() -> None:
    found = select(rules(), "1.2.3", ["1.2.4", "1.3.0", "2.0.0"]).candidates
    assert [(each.key, each.step) for each in found] == [
        ("2.0.0", Step.MAJOR),
        ("1.3.0", Step.MINOR),
        ("1.2.4", Step.PATCH),
    ]


@pytest.mark.parametrize(
    ("tag_rules", "current", "tag", "expected"),
    [
        (rules(), "1.4.0", "1.3.9", "lower than the current 1.4.0"),
        (rules(), "1.4.0", "1.04.0", SAME),
        (rules(), "1.4.0-3f2a9c1", "1.4.0-0aa9c11", SAME),
        (rules(">=2.1 <3"), "2.2.0", "3.0.0", "not in range >=2.1 <3"),
        (rules(">=1 <2"), "1.0.0", "1.1.0-rc.1", "pre-release; the policy's range admits none"),
        (rules(), "1.0.0", "1.1.0-rc.1", "pre-release; only a range that names one admits it"),
        (rules(">=1.5-0"), "1.0.0", "1.1.0-rc.1", "not in range >=1.5-0"),
        (rules(exclude=("^9", "-debug$")), "1.0.0", "1.1.0-debug", "excluded by '-debug$'"),
        (rules(pattern="^v"), "v1.0.0", "1.1.0", "does not match filter '^v'"),
        (rules(allow=Step.MINOR), "1.0.0", "2.0.0", "major step; the policy allows minor"),
        (rules(allow=Step.PATCH), "1.0.0", "1.1.0", "minor step; the policy allows patch"),
        (rules(allow=Step.DIGEST), "1.0.0", "1.0.1", "patch step; the policy allows digest"),
        (rules(), "1.0.0", "latest", "not a semver version"),
        (rules(), "1.0.0", "1.2.3.4", "another tag family: 4 parts, the current has 3"),
        (rules(), "1.0.0", f"1.{'9' * 19}.0", "not a semver version"),
        (rules(), "1.0.0", "1.٢.0", "not a semver version"),
        (rules(), "1.0.0", "1.2.0\n", "not a semver version"),
        (rules(), "1.0.0", "sha-1a2b3c4", "not a semver version"),
        (rules(), "1.0.0", "1" * 129, "no tag: longer than 128 characters"),
        (
            rules(),
            "1.0.0",
            "1.1.0-alpine",
            "another tag family: suffix -alpine, the current has none",
        ),
        (
            rules(),
            "1.0.0-alpine3.19",
            "1.1.0-alpine3.20",
            "another tag family: suffix -alpine3.20, the current has -alpine3.19",
        ),
        (
            rules(),
            "1.0.0-slim",
            "1.1.0",
            "another tag family: no suffix, the current has -slim",
        ),
        (rules(), "1.0.0", "v1.1.0", "another tag family: prefix v, the current has none"),
        (rules(), "v1.0.0", "1.1.0", "another tag family: no prefix, the current has v"),
        (rules(), "1.0.0", "1.1", "another tag family: 2 parts, the current has 3"),
        (rules(), "1.25", "2", "another tag family: 1 part, the current has 2"),
        (rules(), None, "2.0", "another tag family: 2 parts, a version has 3"),
        (rules(), None, "2.0.0-slim", "another tag family: suffix -slim; a filter can let it in"),
        (
            rules(pattern="^(.*)-x$", extract="$1"),
            "1.0.0-x",
            "main-x",
            "not a semver version: the extract 'main'",
        ),
    ],
)
def test_a_tag_that_is_not_taken_has_a_reason(
    tag_rules: TagRules, current: str | None, tag: str, expected: str
) -> None:
    assert reason(tag_rules, current, tag) == expected


@pytest.mark.parametrize("end", [".sig", ".att", ".sbom", ""])
def test_artifacts_stored_beside_an_image_are_named_as_such(end: str) -> None:
    assert "artifact of another image" in reason(rules(), "1.0.0", f"sha256-{HEX64}{end}")


@pytest.mark.parametrize(
    ("current", "higher", "others"),
    [
        ("1.2.3", "1.3.0", "1.3.0-alpine v1.3.0 release-1.3.0 1.3 1"),
        ("v1.2.3", "v1.3.0", "1.3.0 v1.3.0-alpine"),
        ("1.2.3-alpine", "1.3.0-alpine", "1.3.0 1.3.0-slim 1.3.0-alpine3.20"),
        ("1.2.3-alpine3.20", "1.3.0-alpine3.20", "1.3.0-alpine 1.3.0-alpine3.21"),
        ("release-1.2.3", "release-1.3.0", "1.3.0 v1.3.0 beta-1.3.0"),
        ("api-v1.2", "api-v1.3", "web-v1.3 api-v1.3.0"),
        ("jdk17-1.2.3", "jdk17-1.3.0", "jdk21-1.3.0"),
        ("alpine3.20-1.2.3", "alpine3.20-1.3.0", "alpine3.21-1.3.0"),
        ("1.25", "1.26", "1.27.0 2 1.26-alpine"),
        ("1.25-alpine", "1.26-alpine", "1.26 1.26.1-alpine"),
        ("17-jdk", "21-jdk", "21 21-jre 21.0-jdk"),
        ("8", "9", "9.1 10000000"),
        ("v3", "v4", "5 v4.1"),
        ("2025.02.03", "2025.10.01", "v2025.10.01"),
        ("16.1.0-ce.0", "16.2.0-ce.0", "16.2.0-ee.0"),
        ("1.2.3.Final", "1.3.0.Final", "1.3.0"),
        ("1.2.3_build", "1.3.0_build", "1.3.0-build"),
    ],
)
def test_the_tag_family_is_kept(current: str, higher: str, others: str) -> None:
    assert chosen(rules(), current, f"{higher} {others}") == [higher]


@pytest.mark.parametrize(
    "tag",
    [
        "1.3.0-rc.1",
        "1.3.0-rc1",
        "1.3.0-RC1",
        "1.3.0-alpha",
        "1.3.0-beta.2",
        "1.3.0-beta-2",
        "1.3.0-pre",
        "1.3.0-preview.3",
        "1.3.0-dev.20240101.abc",
        "1.3.0-SNAPSHOT",
        "1.3.0-nightly",
        "1.3.0-m1",
        "1.3.0.M2",
        "1.3.0rc1",
        "1.3.0a1",
        "1.3.0.b2",
        "1.3.0_rc1",
    ],
)
def test_words_before_a_release_make_a_prerelease_not_a_family(tag: str) -> None:
    assert reason(rules(), "1.2.0", tag).startswith("pre-release")


@pytest.mark.parametrize("tag", ["1.3.0-development", "1.3.0-m", "1.3.0-rcx", "1.3.0-betamax"])
def test_a_word_that_only_begins_like_a_prerelease_is_a_suffix(tag: str) -> None:
    assert reason(rules(), "1.2.0", tag).startswith("another tag family: suffix -")


def test_a_prerelease_goes_on_to_the_next_and_to_its_release() -> None:
    tags = "1.2.0-rc.2 1.2.0-rc.10 1.2.0 1.3.0-rc.1 1.2.0-beta.9"
    expected = ["1.2.0", "1.2.0-rc.10", "1.2.0-rc.2"]
    assert chosen(rules(), "1.2.0-rc.1", tags) == expected
    assert chosen(rules(">=1.2 <2"), "1.2.0-rc.1", tags) == expected
    assert chosen(rules("<1.2"), "1.2.0-rc.1", tags) == []


def test_a_range_that_names_a_prerelease_admits_prereleases() -> None:
    tags = "1.3.0-rc.1 1.3.0-alpha 1.2.9"
    assert chosen(rules(">=1.2.0-0"), "1.2.0", tags) == ["1.3.0-rc.1", "1.3.0-alpha", "1.2.9"]


def test_prereleases_keep_their_family_too() -> None:
    tags = "3.13.0rc2-slim 3.13.0rc10-slim 3.13.0-slim 3.13.0rc3 3.14.0a1-slim"
    expected = ["3.13.0-slim", "3.13.0rc10-slim", "3.13.0rc2-slim"]
    assert chosen(rules(), "3.13.0rc1-slim", tags) == expected


def test_never_lower_even_when_the_current_is_above_the_range() -> None:
    assert chosen(rules(">=1 <2"), "3.0.0", "1.9.0 2.0.0 3.1.0") == []


def test_a_current_below_the_range_goes_into_it() -> None:
    assert chosen(rules(">=2 <3"), "1.0.0", "1.9.0 2.0.0 2.1.0 3.0.0") == ["2.1.0", "2.0.0"]


def test_without_a_current_tag_the_highest_allowed_wins_and_has_no_step() -> None:
    found = select(rules("<3", allow=Step.PATCH), None, ["1.0.0", "v2.0.0", "3.0.0", "2.1-alpine"])
    assert candidates(found) == ["v2.0.0", "1.0.0"]
    assert {candidate.step for candidate in found.candidates} == {None}


@pytest.mark.parametrize(
    ("current", "note"),
    [
        ("latest", "latest is a moving tag"),
        ("Stable", "Stable is a moving tag"),
        ("sha-1a2b3c4", "is named after a commit, which has no order; order: newest-build"),
        ("20240115", "may be a date, a build or a commit"),
        ("7e12345", "is named after a commit"),
        ("pr-123", "names no version"),
    ],
)
def test_a_current_tag_that_is_no_version_has_no_candidates_but_a_note(
    current: str, note: str
) -> None:
    found = explain(rules(), current, ["1.0.0", "20990101", current])
    assert found.candidates == ()
    assert note in found.selection.note
    assert [each.tag for each in found.rejections] == ["1.0.0", "20990101"]


def test_an_empty_listing_leads_to_no_choice_and_says_so() -> None:
    found = explain(rules(), "1.0.0", [])
    assert (found.candidates, found.rejections) == ((), ())
    assert found.selection.note == "the registry lists no tags"


def test_the_extract_is_what_is_ordered() -> None:
    tag_rules = rules(">=7 <8", pattern=ALPINE.text, extract="$version")
    tags = ["7.2.1-alpine3.18", "7.10.0-alpine3.9", "8.0.0-alpine", "7.9.9", "7.2.0-alpine3.20"]
    found = explain(tag_rules, "7.2.0-alpine3.17", tags)
    assert [(each.tag, each.key, each.step) for each in found.candidates] == [
        ("7.10.0-alpine3.9", "7.10.0", Step.MINOR),
        ("7.2.1-alpine3.18", "7.2.1", Step.PATCH),
    ]
    reasons = {each.tag: each.reason for each in found.rejections}
    assert reasons["7.2.0-alpine3.20"].startswith("as high as the current")


def test_equal_extracts_prefer_the_longer_and_then_the_greater_tag() -> None:
    tag_rules = rules(pattern=ALPINE.text, extract="$version")
    tags = "7.2.1-alpine3.9 7.2.1-alpine3.20 7.2.1-alpine 7.2.1-alpine3.18"
    expected = ["7.2.1-alpine3.20", "7.2.1-alpine3.18", "7.2.1-alpine3.9", "7.2.1-alpine"]
    assert chosen(tag_rules, "7.2.0-alpine3.17", tags) == expected


def test_rc10_is_above_rc9_although_a_range_compares_them_as_text() -> None:
    tags = "1.1.0-rc9 1.1.0-rc10"
    assert chosen(rules(">=1-0"), "1.1.0-rc8", tags) == ["1.1.0-rc10", "1.1.0-rc9"]
    assert chosen(rules(">=1.1.0-rc2"), "1.0.0", tags) == ["1.1.0-rc9"]


def test_a_prerelease_in_an_extract_is_any_text_behind_the_hyphen() -> None:
    tag_rules = rules(pattern="^v(.+)$", extract="$1")
    assert reason(tag_rules, "v1.0.0", "v1.1.0-alpine").startswith("pre-release")


def test_a_filter_without_extract_keeps_the_family_but_frees_the_v() -> None:
    tags = "v1.3.0 1.2.4 1.4.0-debug"
    assert chosen(rules(pattern=r"^v?1\."), "1.2.3", tags) == ["v1.3.0", "1.2.4"]
    assert chosen(rules(pattern="-alpine$"), "1.2.3-alpine", "1.3.0-alpine 1.3.0") == [
        "1.3.0-alpine"
    ]


def test_equal_versions_under_a_filter_have_one_winner() -> None:
    for tags in ("1.3.0 v1.3.0", "v1.3.0 1.3.0"):
        assert chosen(rules(pattern="."), "1.2.3", tags) == ["v1.3.0", "1.3.0"]


def test_a_current_outside_the_filter_is_compared_as_a_plain_version() -> None:
    found = select(rules(pattern="-alpine$"), "7.2.0", ["7.2.1-alpine", "7.1.0-alpine", "7.3.0"])
    assert candidates(found) == ["7.2.1-alpine"]
    assert "does not match filter '-alpine$'" in found.note
    none = select(rules(pattern="-alpine$"), "main", ["7.2.1-alpine"])
    assert none.candidates == ()
    assert "does not match filter" in none.note


def test_a_current_whose_extract_is_no_version_has_no_candidates() -> None:
    tag_rules = rules(pattern="^(.*)-x$", extract="$1")
    found = select(tag_rules, "main-x", ["1.0.0-x"])
    assert found.candidates == ()
    assert "cannot be compared: not a semver version" in found.note


def test_each_step_has_its_newest() -> None:
    tags = ["1.2.4", "1.2.9", "1.3.0", "1.9.1", "2.0.0", "3.1.0", "4.0.0-rc.1", "1.2.0"]
    newest = newest_by_step(select(rules(), "1.2.3", tags))
    assert {step: each.tag for step, each in newest.items()} == {
        Step.PATCH: "1.2.9",
        Step.MINOR: "1.9.1",
        Step.MAJOR: "3.1.0",
    }
    assert list(newest) == [Step.PATCH, Step.MINOR, Step.MAJOR]
    assert newest_by_step(select(rules(), None, tags)) == {}


def test_the_documentation_tells_the_truth() -> None:
    page = (Path(__file__).parents[2] / "docs" / "choosing-tags.md").read_text()
    told = dict(re.findall(r"^\| `([^`]+)` \| ([^`]+) \|$", page.partition("## What")[0], re.M))
    assert len(told) == 8
    tag_rules = rules(">=2.1 <3", exclude=("-debug$",), allow=Step.MINOR)
    found = explain(tag_rules, "2.1.4", list(told))
    for place, candidate in enumerate(found.candidates):
        expected = f"candidate, {candidate.step} step" + ("" if place else ": chosen")
        assert told.pop(candidate.tag) == expected
    assert told == {each.tag: each.reason for each in found.rejections}


# --- Laws ----------------------------------------------------------------------------------------

small = st.integers(0, 3).map(str)
cores = st.lists(small, min_size=1, max_size=4).map(".".join)
tag_texts = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "", "", "v", "api-"]),
    cores,
    st.sampled_from(
        ["", "", "", "-alpine", "-alpine3.20", "-rc.1", "-rc.2", "rc1", "-1", "-rc.1-x"]
    ),
) | st.sampled_from(["latest", "main", "sha-1a2b3c4", f"sha256-{HEX64}.sig", "20240101", ""])
listings = st.lists(tag_texts, max_size=12)
currents = st.none() | tag_texts.filter(bool)
rule_sets = st.sampled_from(
    [
        rules(),
        rules(">=1 <3"),
        rules(">=1-0 || ^0.2"),
        rules("!=1.x", allow=Step.MINOR),
        rules(exclude=("-alpine$",), allow=Step.PATCH),
        rules(pattern="-alpine"),
        rules(pattern=r"^v?(?P<version>\d.*)-alpine", extract="$version"),
        rules(">=0-0", pattern=r"^(?:v|api-)?(.+)$", extract="${1}"),
    ]
)


@given(rule_sets, currents, listings, st.randoms(use_true_random=False))
def test_the_order_of_the_listing_never_changes_the_result(
    tag_rules: TagRules, current: str | None, tags: list[str], draw: random.Random
) -> None:
    shuffled = draw.sample(tags, len(tags)) + tags[:2]
    assert select(tag_rules, current, shuffled) == select(tag_rules, current, tags)


@given(rule_sets, currents, listings)
def test_each_tag_is_once_a_candidate_or_rejected_or_the_current(
    tag_rules: TagRules, current: str | None, tags: list[str]
) -> None:
    found = explain(tag_rules, current, tags)
    told = [candidate.tag for candidate in found.candidates] + [
        each.tag for each in found.rejections
    ]
    assert sorted(told) == sorted(set(tags) - {current})
    assert all(each.reason for each in found.rejections)


@given(rule_sets, currents, listings)
def test_no_candidate_is_lower_than_the_current(
    tag_rules: TagRules, current: str | None, tags: list[str]
) -> None:
    before = parse(current.removeprefix("api-")) if current else None
    for candidate in select(tag_rules, current, tags).candidates:
        after = parse(candidate.key.removeprefix("api-"))
        if before and after and before.prerelease is None:
            assert key_of(after)[:3] >= key_of(before)[:3]


@given(rule_sets, tag_texts.filter(bool), listings)
def test_what_was_chosen_never_goes_back(
    tag_rules: TagRules, current: str, tags: list[str]
) -> None:
    listed = [*tags, current]
    for candidate in select(tag_rules, current, listed).candidates:
        assert current not in candidates(select(tag_rules, candidate.tag, listed))


@given(rule_sets, currents, listings, tag_texts)
def test_a_tag_that_is_not_better_never_changes_the_winner(
    tag_rules: TagRules, current: str | None, tags: list[str], added: str
) -> None:
    before = select(tag_rules, current, tags).candidates
    after = select(tag_rules, current, [*tags, added]).candidates
    if after and after[0].tag != added:
        assert before[0] == after[0]
    else:
        assert set(before) <= set(after)


@given(st.sampled_from(["*", ">=1 <3", "1 - 2", "!=1.x"]), listings)
def test_every_candidate_is_in_the_range(range_text: str, tags: list[str]) -> None:
    tag_rules = rules(range_text)
    assert tag_rules.range is not None
    for candidate in select(tag_rules, "0.0.0", tags).candidates:
        assert tag_rules.range.allows(semver.Version.parse(candidate.tag))


@given(st.lists(st.text(max_size=200), max_size=5), st.text(min_size=1, max_size=200))
def test_hostile_tags_are_rejected_not_raised(tags: list[str], current: str) -> None:
    for tag_rules in (rules(), rules(pattern="(.*)", extract="$1", exclude=("x",))):
        found = explain(tag_rules, current, tags)
        assert len(found.candidates) + len(found.rejections) == len(set(tags) - {current})


@pytest.mark.parametrize(
    "tag", ["1." * 64, "-".join("1" * 64), "v" * 128, "a1." * 42, "1.0-rc" + ".1" * 61, "0" * 128]
)
def test_a_tag_of_full_length_made_to_slow_the_reader_down_is_read(tag: str) -> None:
    # Reading must not take time that grows by powers: these would then outlive the test run.
    listing = [f"{tag[:-4]}{number:04}" for number in range(1000)]
    found = explain(rules(), "1.0.0", listing)
    assert len(found.candidates) + len(found.rejections) == 1000


@pytest.mark.parametrize(
    ("current", "tag", "step"),
    [
        ("48291", "48305", Step.PATCH),
        ("build-10023", "build-1000000", Step.PATCH),
        ("17", "18", Step.MAJOR),
        ("17", "48305", Step.MAJOR),
        ("10000.1", "10001.0", Step.MAJOR),
    ],
)
def test_a_high_number_alone_counts_builds_and_no_major_versions(
    current: str, tag: str, step: Step
) -> None:
    (found,) = select(TagRules(), current, [tag]).candidates
    assert found.step is step
