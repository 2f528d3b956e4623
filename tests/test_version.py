"""What a version is, and which versions a range admits."""

import contextlib
import re

import pytest
import semver
from hypothesis import given
from hypothesis import strategies as st

from imagebot.errors import PolicyError
from imagebot.version import (
    MAX_RANGE_GROUPS,
    MAX_RANGE_LENGTH,
    Range,
    Step,
    key_of,
    parse,
    step_between,
)

# range: versions it admits | versions it does not
RANGES = """
*                   : 0.0.0 1.2.3 99.0.0                  | 1.0.0-rc.1 0.0.0-a
x                   : 0.0.1 7.0.0                         | 7.0.0-x
=*                  : 0.0.0 4.5.6                         | 4.5.6-0
X.x.x               : 3.2.1                               | 3.2.1-beta
1                   : 1.0.0 1.9.9                         | 0.9.9 2.0.0 1.5.0-rc.1
v1                  : 1.0.0 1.9.9                         | 2.0.0
1.x                 : 1.0.0 1.99.0                        | 2.0.0 0.1.0
1.x.x               : 1.0.0 1.99.9                        | 2.0.0
1.*.3               : 1.0.0 1.7.9                         | 2.0.3
4.1                 : 4.1.0 4.1.99                        | 4.0.9 4.2.0
=4.1                : 4.1.0 4.1.7                         | 4.2.0 4.0.0
= 4.1.x             : 4.1.0 4.1.7                         | 4.2.0
4.1.2               : 4.1.2                               | 4.1.1 4.1.3 4.1.2-rc.1
=4.1.2              : 4.1.2                               | 4.1.3
=4.1.2-rc.1         : 4.1.2-rc.1                          | 4.1.2 4.1.2-rc.2
=1.2.3+build.7      : 1.2.3                               | 1.2.4
1.02.3              : 1.2.3                               | 1.20.3
!=4.1.2             : 4.1.1 4.1.3 0.0.0                   | 4.1.2 4.1.3-rc.1
!=4.1               : 4.0.9 4.2.0 5.1.0                   | 4.1.0 4.1.9
!=4.x               : 3.9.9 5.0.0                         | 4.0.0 4.9.9
!=4.1.x             : 4.2.0 5.1.1                         | 4.1.0
!=*                 : 0.0.1 1.0.0                         | 0.0.0
!=4.1.x-0           : 4.1.5 4.1.5-rc.1 4.2.0-0            | 4.1.5-0
!=4.x-0             : 5.0.0-0 3.0.0                       | 4.0.0 4.1.5-rc.1
!=1.2.3, >=1.2.0-0  : 1.2.4 1.2.3-rc.1 1.2.0-0            | 1.2.3 1.1.0
>1.2.3              : 1.2.4 2.0.0                         | 1.2.3 1.2.2 1.3.0-rc.1
>1.2                : 1.3.0 2.0.0                         | 1.2.0 1.2.9
>11.1               : 11.2.0 12.0.0                       | 11.1.0 11.1.5 11.0.0
>11                 : 12.0.0 12.0.1                       | 11.0.0 11.9.9
>11.x               : 12.0.0                              | 11.1.1
>*                  : 0.0.1 1.0.0                         | 0.0.0
>1.2.3-rc.1         : 1.2.3 1.2.3-rc.2 1.2.4-a 9.0.0      | 1.2.3-rc.1 1.2.3-alpha
>=1.2.3             : 1.2.3 1.2.4 2.0.0                   | 1.2.2 2.0.0-rc.1
>=1.2               : 1.2.0 1.3.0                         | 1.1.9
>=1                 : 1.0.0 2.0.0                         | 0.9.9
=>1.2               : 1.2.0 1.3.0                         | 1.1.9
>=1.2.3-0           : 1.2.3-0 1.2.3-alpha 1.2.3 2.0.0-rc  | 1.2.2 1.2.2-z
>= 1.2.3            : 1.2.3                               | 1.2.2
>=v1.2.3            : 1.2.3                               | 1.2.2
>=*                 : 0.0.0 5.0.0                         | 5.0.0-a
<1.2.3              : 1.2.2 0.0.0                         | 1.2.3 1.2.3-rc.1 2.0.0
<1.2                : 1.1.9                               | 1.2.0
<2                  : 1.9.9                               | 2.0.0 2.0.0-rc.1
<2.0.0-0            : 1.9.9 1.9.9-rc.1                    | 2.0.0-0 2.0.0-rc.1 2.0.0
<2.0.0-rc.2         : 2.0.0-rc.1 1.0.0                    | 2.0.0-rc.2 2.0.0
<*                  :                                     | 0.0.0 1.0.0
<=1.2.3             : 1.2.3 1.0.0                         | 1.2.4 1.2.3-rc.1
=<1.2.3             : 1.2.3                               | 1.2.4
<=1.2               : 1.2.0 1.2.9 1.1.0                   | 1.3.0
<=11                : 11.0.0 11.9.9 10.0.0                | 12.0.0
<=11.x              : 11.9.9                              | 12.0.0
<=*                 : 0.0.0 0.0.7                         | 0.1.0 1.0.0
<=1.2.3-rc.1        : 1.2.3-rc.1 1.2.3-alpha 1.2.2        | 1.2.3 1.2.3-rc.1.1 1.2.3-rc.2
~1.2.3              : 1.2.3 1.2.9                         | 1.2.2 1.3.0 2.2.3
~1.2                : 1.2.0 1.2.9                         | 1.3.0 1.1.9
~1                  : 1.0.0 1.9.9                         | 2.0.0 0.9.0
~1.x                : 1.5.0                               | 2.0.0
~>1.2.3             : 1.2.3 1.2.9                         | 1.3.0
~> 1.2              : 1.2.5                               | 1.3.0
~*                  : 0.0.0 9.9.9                         | 9.9.9-a
~0                  : 0.0.0 0.9.0                         | 1.0.0
~0.0                : 0.0.0 0.0.9                         | 0.1.0
~0.0.0              : 0.0.0 0.1.0 1.0.0 7.8.9             | 1.0.0-a
~0.0.1              : 0.0.1 0.0.9                         | 0.0.0 0.1.0
~1.2.3-beta.2       : 1.2.3-beta.2 1.2.3 1.2.4-alpha      | 1.2.3-beta.1 1.3.0 1.3.0-alpha
^1.2.3              : 1.2.3 1.9.0                         | 1.2.2 2.0.0
^1.2                : 1.2.0 1.9.0                         | 1.1.9 2.0.0
^1                  : 1.0.0 1.9.0                         | 0.9.9 2.0.0 2.0.0-a
^1.x                : 1.0.0 1.9.0                         | 2.0.0
^0.2.3              : 0.2.3 0.2.9                         | 0.2.2 0.3.0 1.2.3
^0.2                : 0.2.0 0.2.9                         | 0.3.0 0.1.0
^0.0.3              : 0.0.3                               | 0.0.4 0.0.2 0.1.3
^0.0                : 0.0.0 0.0.9                         | 0.1.0 1.0.0
^0                  : 0.0.0 0.9.9                         | 1.0.0
^0.0.0              : 0.0.0                               | 0.0.1
^*                  : 0.0.0                               | 0.0.1 1.0.0
^1.2.3-beta.2       : 1.2.3-beta.2 1.2.3 1.9.0-a          | 1.2.3-beta.1 2.0.0-a
1.2 - 2.3           : 1.2.0 2.3.9 2.0.0                   | 1.1.9 2.4.0
1.2.3 - 2.3.4       : 1.2.3 2.3.4                         | 1.2.2 2.3.5
1 - 2               : 1.0.0 2.9.9                         | 0.9.9 3.0.0
1.2.3-a - 2.0.0     : 1.2.3-a 2.0.0 1.9.0-rc.1            | 1.2.2 2.0.1
1 - 3, !=2.x        : 1.5.0 3.0.0                         | 2.0.0 4.0.0
!=2.x,1 - 3         : 1.5.0 3.0.0                         | 2.5.0
>=1.2 <2            : 1.2.0 1.9.9                         | 1.1.0 2.0.0
>=1.2,<2            : 1.2.0 1.9.9                         | 2.0.0
>=1.2 , <2          : 1.2.0                               | 2.0.0
> 1.2 < 1.5         : 1.3.0 1.4.9                         | 1.2.5 1.5.0
>=1.2.0 <4 || ^5.1  : 1.2.0 3.9.9 5.1.0 5.9.0             | 1.1.9 4.0.0 5.0.9 6.0.0
1.x||3.x            : 1.0.0 3.9.0                         | 2.0.0
>=2-0 || <1         : 2.0.0-rc.1 0.9.0                    | 0.9.0-rc.1 1.0.0
>=1-0 <2            : 1.5.0-rc.1 1.5.0 1.0.0-a            | 2.0.0
>=3 <2              :                                     | 1.0.0 2.5.0 3.0.0
>=2025.01.01        : 2025.02.03 2025.1.1                 | 2024.12.31
1.0-2.0             : 1.0.0 1.0.5-rc                      | 2.0.0
"""


def _rows() -> list[tuple[str, str, bool]]:
    rows = []
    for line in RANGES.strip().splitlines():
        text, _, versions = line.partition(" : ")
        admitted, _, refused = versions.partition("| ")
        rows += [(text.strip(), version, True) for version in admitted.split()]
        rows += [(text.strip(), version, False) for version in refused.split()]
    return rows


def _version(text: str) -> semver.Version:
    version = parse(text)
    assert version is not None, text
    return version


def test_the_table_of_ranges_is_large_enough_to_trust() -> None:
    assert len(set(_rows())) >= 150


@pytest.mark.parametrize(("text", "version", "is_admitted"), _rows())
def test_a_range_admits_what_masterminds_admits(text: str, version: str, is_admitted: bool) -> None:
    assert Range.parse(text).allows(_version(version)) is is_admitted


@pytest.mark.parametrize(
    ("text", "word", "character"),
    [
        ("", "a comparator is missing", 1),
        ("  ", "a comparator is missing", 3),
        ("1 ||", "a comparator is missing", 5),
        ("|| 1", "a comparator is missing", 1),
        (">=1.2 <<3", "'<<3'", 7),
        (">=1.2 &&<3", "'&&<3'", 7),
        ("latest", "'latest'", 1),
        (">=1.2.3.4", "'>=1.2.3.4'", 1),
        (">1<2", "'>1<2'", 1),
        ("1.2.3-01", "'1.2.3-01'", 1),
        ("1.2.3-", "'1.2.3-'", 1),
        ("1x", "'1x'", 1),
        ("1.x.1x", "'1.x.1x'", 1),
        ("1,", "a comparator is missing", 3),
        (">=1, ,<2", "','", 6),
        ("V1", "'V1'", 1),
        (">=١", "'>=١'", 1),
        (">=" + "9" * 19, "9999", 1),
        ("==1", "'==1'", 1),
        (">= <2", "'>='", 1),
        ("1 - 2 - 3", "'-'", 7),
        (">1 - 2", "'-'", 4),
        ("1 - 2>3", "'>3'", 6),
    ],
)
def test_a_wrong_range_is_refused_with_the_part_and_its_place(
    text: str, word: str, character: int
) -> None:
    with pytest.raises(PolicyError) as caught:
        Range.parse(text)
    assert word in str(caught.value)
    assert f"character {character})" in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("text", ["1||2 - 3", "1 2 - 3", ">=1 1.0 - 2.0", "1 - 2||3 - 4"])
def test_a_hyphen_range_that_masterminds_reads_otherwise_is_refused(text: str) -> None:
    # The Go library takes `1||2 - 3` for `>=1 || 2, <=3`: found by comparing the two at random.
    with pytest.raises(PolicyError, match="hyphen range"):
        Range.parse(text)


@pytest.mark.parametrize("text", ["1 - 2>3", "1 - 2||v3 - 4", "x.2x", "1.x.|"])
def test_what_masterminds_takes_by_accident_is_refused(text: str) -> None:
    with pytest.raises(PolicyError):
        Range.parse(text)


def test_a_range_is_bounded_in_length_and_groups() -> None:
    with pytest.raises(PolicyError, match="at most"):
        Range.parse("1" + " " * MAX_RANGE_LENGTH)
    with pytest.raises(PolicyError, match="at most"):
        Range.parse("||".join(["1"] * (MAX_RANGE_GROUPS + 1)))
    assert Range.parse("||".join(["1"] * MAX_RANGE_GROUPS)).allows(semver.Version(1))


def test_a_range_prints_as_written_and_equals_its_like() -> None:
    assert str(Range.parse(" >=1 , <2")) == " >=1 , <2"
    assert Range.parse(">=1") == Range.parse(">=1")
    assert Range.parse(">=1") != Range.parse(">=2")
    assert len({Range.parse(">=1"), Range.parse(">=1")}) == 1
    assert repr(Range.parse(">=1")) == "Range(text='>=1')"


@pytest.mark.parametrize(
    ("text", "does"), [(">=1", False), (">=1-0", True), ("1 || 2-rc", True), ("*-a", True)]
)
def test_a_range_tells_whether_it_names_a_prerelease(text: str, does: bool) -> None:
    assert Range.parse(text).admits_prereleases is does


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.2.3", semver.Version(1, 2, 3)),
        ("v1.2.3", semver.Version(1, 2, 3)),
        ("2025.02.03", semver.Version(2025, 2, 3)),
        ("1.2.3-rc.1", semver.Version(1, 2, 3, "rc.1")),
        ("1.2.3--", semver.Version(1, 2, 3, "-")),
        ("1.2.3+b", semver.Version(1, 2, 3, None, "b")),
        ("1.2.3-0a1", semver.Version(1, 2, 3, "0a1")),
        ("999999999999999999.0.0", semver.Version(10**18 - 1, 0, 0)),
    ],
)
def test_a_version_has_three_numbers(text: str, version: semver.Version) -> None:
    assert parse(text) == version


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "1.2",
        "1.2.3.4",
        "V1.2.3",
        "vv1.2.3",
        "1.2.3-",
        "1.2.3-01",
        "1.2.3-a..b",
        "1.2.3_a",
        "1.2.x",
        "-1.2.3",
        "1.2.3rc1",
        "latest",
        "9999999999999999999.0.0",
        "١.٢.٣",
        "1.2.3-é",
        "1.2.3-1111111111111111111",
    ],
)
def test_other_texts_are_no_version(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("text", ["", "1.2.3\n", " 1.2.3", "1.2.3 ", "1.2.3-" + "a" * 300])
def test_blanks_and_long_texts_are_no_version(text: str) -> None:
    assert parse(text) is None


def test_prereleases_sort_by_semver_precedence() -> None:
    texts = [
        "1.0.0-0",
        "1.0.0-1",
        "1.0.0-9",
        "1.0.0-10",
        "1.0.0-10.0",
        "1.0.0--",
        "1.0.0-A",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0-rc10",
        "1.0.0-rc9",
        "1.0.0",
        "1.0.1-a",
        "1.0.1",
        "1.1.0",
        "2.0.0",
    ]
    assert sorted(texts, key=lambda text: key_of(_version(text))) == texts


@pytest.mark.parametrize(
    ("current", "new", "step"),
    [
        ("1.2.3", "2.0.0", Step.MAJOR),
        ("1.2.3", "1.3.0", Step.MINOR),
        ("1.2.3", "1.2.4", Step.PATCH),
        ("1.2.3-rc.1", "1.2.3", Step.PATCH),
        ("0.1.0", "0.2.0", Step.MINOR),
        ("1.2.3", "1.2.3", Step.DIGEST),
        ("2.0.0", "1.0.0", Step.MAJOR),
    ],
)
def test_a_step_is_the_highest_number_that_differs(current: str, new: str, step: Step) -> None:
    assert step_between(_version(current), _version(new)) is step


def test_steps_have_heights() -> None:
    steps = [Step.DIGEST, Step.PATCH, Step.MINOR, Step.MAJOR]
    assert [step.height for step in steps] == [0, 1, 2, 3]


# --- Laws ----------------------------------------------------------------------------------------

numbers = st.integers(0, 3)
pre_releases = st.sampled_from([None, None, None, "0", "1", "alpha", "alpha.1", "rc.1", "rc.2"])
versions = st.builds(semver.Version, numbers, numbers, numbers, pre_releases)
parts = st.sampled_from(["0", "1", "2", "3", "x", "*"])
partial_versions = st.builds(
    lambda parts, pre: ".".join(parts) + (f"-{pre}" if pre else ""),
    st.lists(parts, min_size=1, max_size=3),
    pre_releases,
)
operators = st.sampled_from(["", "=", "!=", ">", "<", ">=", "=>", "<=", "=<", "~", "~>", "^"])
comparators = st.builds("{}{}".format, operators, partial_versions)
groups = st.lists(comparators, min_size=1, max_size=3).map(" ".join)


@given(groups, groups, versions)
def test_or_is_the_union(left: str, right: str, version: semver.Version) -> None:
    either = Range.parse(left).allows(version) or Range.parse(right).allows(version)
    assert Range.parse(f"{left} || {right}").allows(version) is either


@given(st.lists(comparators, min_size=1, max_size=4), versions)
def test_and_is_the_intersection_of_comparators(texts: list[str], version: semver.Version) -> None:
    # Pre-releases are a matter of the group: `>=0-0` opens one without bounding it.
    opened = " >=0-0" if any("-" in text for text in texts) else ""
    each = [Range.parse(text + opened).allows(version) for text in texts]
    assert Range.parse(", ".join(texts)).allows(version) is all(each)


@given(partial_versions, versions)
def test_not_equal_is_the_complement_of_equal_among_releases(
    text: str, version: semver.Version
) -> None:
    bare = re.sub("-.*", "", text)
    equal = Range.parse("0.0.0 - 0.0.0" if bare[0] in "x*" else bare)  # !=* takes out 0.0.0 alone
    release = version.replace(prerelease=None)
    assert Range.parse(f"!={bare}").allows(release) is not equal.allows(release)


@given(versions, versions)
def test_greater_and_less_or_equal_part_the_versions(
    bound: semver.Version, version: semver.Version
) -> None:
    bound = bound.replace(prerelease="0")
    is_above = Range.parse(f">{bound}").allows(version)
    assert Range.parse(f"<={bound}").allows(version) is not is_above


@given(groups, versions)
def test_no_prerelease_without_a_prerelease_in_the_range(
    text: str, version: semver.Version
) -> None:
    subject = Range.parse(text)
    if version.prerelease and not subject.admits_prereleases:
        assert not subject.allows(version)


@given(groups)
def test_parsing_is_a_function_of_the_text(text: str) -> None:
    assert Range.parse(text) == Range.parse(text)
    assert str(Range.parse(text)) == text


@given(versions, versions)
def test_keys_sort_as_semver_does(left: semver.Version, right: semver.Version) -> None:
    assert (key_of(left) < key_of(right)) is (left < right)
    assert (key_of(left) == key_of(right)) is (left == right)


@given(versions)
def test_a_version_reads_back_from_its_text(version: semver.Version) -> None:
    assert parse(str(version)) == version
    assert parse(f"v{version}") == version


@given(st.text(alphabet="0123x*v.-+|<>=!~^ ,\t", max_size=40) | st.text(max_size=40))
def test_any_text_is_a_range_or_a_policy_error(text: str) -> None:
    with contextlib.suppress(PolicyError):
        assert Range.parse(text).allows(semver.Version(1, 2, 3)) in (True, False)
