"""How a tag is read: what is ordered, what has to be kept, and laws over both."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imagebot.selection import families
from imagebot.selection.families import (
    Family,
    TagReading,
    is_artifact,
    read_extract,
    read_tag,
    way_of_counting,
)
from imagebot.selection.newer_suffix import as_newer_suffix, suffix_falls
from imagebot.selection.tag_kinds import TagKind, kind_of
from imagebot.version import RELEASE
from tests.selection.tag_lists import LISTINGS

LISTED = sorted({tag for listing in LISTINGS for tag in listing.tags})
HEX64 = "0123456789abcdef" * 4


def reading(tag: str) -> TagReading:
    found = read_tag(tag)
    assert found is not None, tag
    return found


# --- What is read --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "numbers", "family"),
    [
        ("1.25.3", (1, 25, 3), Family("", 3, "")),
        ("v1.25.3", (1, 25, 3), Family("v", 3, "")),
        ("1.25", (1, 25, 0), Family("", 2, "")),
        ("8", (8, 0, 0), Family("", 1, "")),
        ("1.25.3-alpine3.20", (1, 25, 3), Family("", 3, "-alpine3.20")),
        ("stable-2.14.10", (2, 14, 10), Family("stable-", 3, "")),
        ("api-v1.2", (1, 2, 0), Family("api-v", 2, "")),
        ("alpine3.20-v1.2.3", (1, 2, 3), Family("alpine3.20-v", 3, "")),
        ("2024.10.1", (2024, 10, 1), Family("", 3, "", "year")),
        ("1.2.20241014", (1, 2, 20241014), Family("", 3, "", "date")),
        ("1.2.3-3f2a9c1", (1, 2, 3), Family("", 3, "-<commit>")),
        ("1.2.3-dev", (1, 2, 3), Family("", 3, "-dev")),
        ("1.2.3.3f2a9c1", (1, 2, 3), Family("", 3, ".<commit>")),
        ("1.2.3f2a9c1", (1, 2, 0), Family("", 2, ".<commit>")),
    ],
)
def test_a_version_is_read_with_what_stands_around_it(
    tag: str, numbers: tuple[int, int, int], family: Family
) -> None:
    assert reading(tag) == TagReading(tag, (*numbers, RELEASE), family)


@pytest.mark.parametrize(
    ("tag", "behind", "suffix"),
    [
        ("1.2.3.4", (4,), ""),
        ("1.2.3.4.5-alpine", (4, 5), "-alpine"),
        ("1.41.0.8994-f2c27da23", (8994,), "-<commit>"),
        ("4.0.9.2244-ls249", (2244, 249), "-ls*"),
        ("16.4.0-debian-12-r3", (3,), "-debian-12-r*"),
        ("17.4.1-ce.0", (0,), "-ce.*"),
        ("21.0.4_7-jre-alpine", (7,), "_*-jre-alpine"),
        ("8u422-b05-jdk", (422, 5), "u*-b*-jdk"),
        ("3.5.15-0", (0,), "-*"),
        ("1.2.3-5-g3f2a9c1", (5,), "-*-<commit>"),
        ("1.2.3-45.g3f2a9c1", (45,), "-*.<commit>"),
        ("v1.30.5-rke2r1-build20240912", (1, 20240912), "-rke2r*-build*"),
        ("18.2.4-20240724", (20240724,), "-<date>"),
        ("18.2.4-2024-07-24", (20240724,), "-<date>"),
        ("1.2.3-1728900000", (1728900000,), "-<date>"),
        ("2022-CU14-ubuntu-22.04", (14,), "-CU*-ubuntu-22.04"),
        ("10.0.0-nanoserver-1809", (), "-nanoserver-1809"),
        ("8.0.36-28.1", (), "-28.1"),
        ("1.2.3-alpine-5", (), "-alpine-5"),
        ("1.27.3-gke.1678000", (1678000,), "-gke.*"),
        ("2.1.0-build.1000000", (1000000,), "-build.*"),
        ("2.1.0-r-1000000", (1000000,), "-r-*"),
        ("2.1.0-b1000000", (1000000,), "-b*"),
        ("2.1.0-b20241014", (20241014,), "-b*"),
        ("1.2.3-build.3f2a9c1", (), "-build.<commit>"),
        ("1.2.3-b3f2a9c1", (), "-<commit>"),
        ("1.2.3-1234567", (), "-<commit>"),
        ("5.12.0.9255-nightly", (9255,), "-nightly"),
    ],
)
def test_further_numbers_and_counters_rank_and_are_no_family(
    tag: str, behind: tuple[int, ...], suffix: str
) -> None:
    found = reading(tag)
    assert found.key[3] == RELEASE
    assert found.key[4:] == behind
    assert found.family.suffix == suffix


@pytest.mark.parametrize(
    ("tag", "key", "prefix", "scheme"),
    [
        ("jammy-20240911", (2024, 9, 11, RELEASE, 0), "jammy-", "YYYYMMDD"),
        ("jammy-20240911.1", (2024, 9, 11, RELEASE, 1), "jammy-", "YYYYMMDD"),
        ("2024-10-14", (2024, 10, 14, RELEASE, 0), "", "YYYY-MM-DD"),
        ("20241014-3f2a9c1", (2024, 10, 14, RELEASE, 0), "", "YYYYMMDD"),
        ("20241014.12", (2024, 10, 14, RELEASE, 12), "", "YYYYMMDD"),
        ("release-2024w41", (2024, 41, 0, RELEASE), "release-", "YYYYwWW"),
        (
            "RELEASE.2024-10-02T17-50-41Z",
            (2024, 10, 2, RELEASE, 17, 50, 41, 0),
            "RELEASE.",
            "YYYY-MM-DDThh-mm-ssZ",
        ),
        ("main-202410141530", (2024, 10, 14, RELEASE, 15, 30, 0, 0), "main-", "YYYYMMDDhhmm"),
    ],
)
def test_a_date_is_read_as_year_month_and_day(
    tag: str, key: tuple[object, ...], prefix: str, scheme: str
) -> None:
    found = reading(tag)
    assert found.key == key
    assert (found.family.prefix, found.family.scheme) == (prefix, scheme)


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "latest",
        "20240115",
        "1728900000",
        "1234567",
        "3f2a9c1",
        "1234567-amd64",
        "3f2a9c1-amd64",
        "sha-20241014",
        "20241014a1b2",
        "20241314-alpine",
        "2fa",
        "8e1f",
        "alpine3.20",
        "stable-alpine3.20",
        "php8.3-apache",
        "ltsc2022",
        "pr-123",
        "feature-x-12",
        "feature-v2",
        "main-3f2a9c1-1728900000",
        "main-1234567",
        "b1234567",
        "b3f2a9c1",
        "openjdk-17",
        f"1.{'9' * 19}.0",
        "1.٢.0",
        "1.2.0\n",
        "²",
        "1" * 129,
        f"sha256-{HEX64}.1.2.3",
    ],
)
def test_what_names_no_version_is_not_read(tag: str) -> None:
    assert read_tag(tag) is None


@pytest.mark.parametrize(
    "tag",
    [
        "1.3.0-rc.1",
        "1.3.0-RC1",
        "1.3.0-beta-2",
        "1.3.0-dev.20240101.abc",
        "1.3.0-SNAPSHOT",
        "1.3.0.M2",
        "1.3.0rc1",
        "1.3.0-0.dev",
        "1.3.0-rc.1-alpine",
    ],
)
def test_words_for_not_yet_released_are_below_the_release(tag: str) -> None:
    assert reading("1.2.9").key < reading(tag).key < reading("1.3.0").key


@pytest.mark.parametrize(
    "start", ["1.27.3-gke.", "2.1.0-build.", "2.1.0-r", "2.1.0-b", "build-", "run_", "r"]
)
def test_a_named_counter_goes_on_counting_when_it_gets_a_seventh_digit(start: str) -> None:
    counts = [999_998, 999_999, 1_000_000, 1_678_000, 12_345_678]
    readings = [reading(f"{start}{count}") for count in counts]
    assert len({each.family for each in readings}) == 1
    assert readings == sorted(readings, key=lambda each: each.key)
    assert len({each.key for each in readings}) == len(counts)


def test_a_commit_behind_a_pre_release_does_not_rank_it() -> None:
    assert reading("1.3.0-beta.2.g3f2a9c1").key == reading("1.3.0-beta.2.g9c8b7a6").key
    assert reading("1.3.0-alpha.3f2a9c1").family == reading("1.3.0-alpha.9c8b7a6").family


def test_pre_releases_are_counted_as_numbers() -> None:
    assert reading("1.3.0-rc9").key < reading("1.3.0-rc10").key
    assert reading("1.3.0-beta9").key < reading("1.3.0-rc1").key


def test_an_extract_is_a_version_and_nothing_else() -> None:
    assert read_extract("1.2.3-alpine") == TagReading(
        "1.2.3-alpine", (1, 2, 3, ((1, "alpine"),)), Family("", 3, "")
    )
    found = read_extract("2024.1")
    assert found is not None
    assert found.family == Family("", 2, "", "year")
    assert read_extract("release-1.2.3") is None


# --- Under `suffix: newer` -----------------------------------------------------------------------


def test_the_numbers_of_a_suffix_rank_before_its_counters() -> None:
    older, newer = (
        as_newer_suffix(reading(tag)) for tag in ("1.2.3-debian-11-r30", "1.2.3-debian-12-r0")
    )
    assert older.family == newer.family == Family("", 3, "-debian-#-r*")
    assert older.key < newer.key


@pytest.mark.parametrize(
    ("found", "current", "falls"),
    [
        ("1.3.0-alpine3.20", "1.2.0-alpine3.19", False),
        ("1.3.0-alpine3.19", "1.2.0-alpine3.20", True),
        ("1.3.0-alpine4.0", "1.2.0-alpine3.20", False),
        ("1.3.0-php8.2-alpine3.21", "1.2.0-php8.3-alpine3.20", True),
        ("1.3.0-debian-12-r0", "1.2.0-debian-12-r9", False),
        ("1.2.3.9-al2-r1", "1.2.3.8-al3-r0", True),
        ("1.3.0", "1.2.0", False),
    ],
)
def test_no_number_of_a_suffix_may_fall(found: str, current: str, falls: bool) -> None:
    pair = as_newer_suffix(reading(found)), as_newer_suffix(reading(current))
    assert pair[0].family == pair[1].family
    assert suffix_falls(*pair) is falls


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.2.3-arm32v6", "1.2.3-arm32v7"),
        ("1.2.3-slim-arm64v8", "1.2.3-slim-amd64"),
        ("1.2.3-i386", "1.2.3-i686"),
        ("1.2.3-alpine3.20", "1.2.3-alpine3"),
        ("1.2.3-bookworm", "1.2.3-trixie"),
    ],
)
def test_another_machine_or_name_is_no_newer_suffix(one: str, other: str) -> None:
    assert as_newer_suffix(reading(one)).family != as_newer_suffix(reading(other)).family


# --- Kinds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        ("1.2.3", TagKind.VERSION),
        ("build-12", TagKind.VERSION),
        ("2024-10-14", TagKind.DATE),
        ("2024.10.14", TagKind.VERSION),
        (f"sha256-{HEX64}.sig", TagKind.ARTIFACT),
        (f"sha256-{HEX64}", TagKind.ARTIFACT),
        ("latest", TagKind.MOVING),
        ("stable-alpine3.20", TagKind.MOVING),
        ("debug-nonroot", TagKind.MOVING),
        ("3f2a9c1", TagKind.COMMIT),
        ("sha-1a2b3c4", TagKind.COMMIT),
        ("20240115", TagKind.NUMBER),
        ("main-3f2a9c1", TagKind.COMMIT),
        ("main-3f2a9c1-1728900000", TagKind.COMMIT),
        ("pr-123", TagKind.UNKNOWN),
        ("", TagKind.UNKNOWN),
    ],
)
def test_a_tag_has_a_kind_that_a_message_can_name(tag: str, kind: TagKind) -> None:
    assert kind_of(tag) is kind


@pytest.mark.parametrize("end", ["", ".sig", ".att", ".sbom", ".cosign.bundle"])
def test_what_is_named_by_another_images_digest_is_an_artifact(end: str) -> None:
    assert is_artifact(f"sha256-{HEX64}{end}")
    assert is_artifact(f"sha512-{HEX64}{HEX64}{end}")


def test_a_tag_that_only_begins_like_a_digest_is_none() -> None:
    assert not is_artifact("sha256-1234")
    assert not is_artifact(f"sha256-{HEX64}0")


def test_every_scheme_has_words() -> None:
    schemes = {read.family.scheme for tag in LISTED if (read := read_tag(tag))}
    assert {"", "year", "date", "year date", "YYYYMMDD", "YYYYwWW"} <= schemes
    words = {way_of_counting(Family("", 3, "", scheme)) for scheme in schemes}
    assert len(words) == len(schemes)


# --- Laws ----------------------------------------------------------------------------------------

TAG_LETTERS = "0123456789abcdfgrtuvwTZ._-"
NUMBERS = st.lists(st.integers(0, 3000).map(str), min_size=1, max_size=5).map(".".join)
SUFFIXES = st.sampled_from(
    [
        *("", "-alpine", "-alpine3.20", "-debian-12-r3", "-r7", "-3f2a9c1", "_7-jre", "-20241014"),
        *("-rc.1", "rc2", "-beta3-slim", "-ls249", "-5-g3f2a9c1", "-dev", ".Final", "-arm64v8"),
    ]
)
PREFIXES = st.sampled_from(["", "v", "release-", "api-v", "build-", "r", "jammy-", "amd64-"])
MADE = st.builds("{}{}{}".format, PREFIXES, NUMBERS, SUFFIXES)
TAGS = st.sampled_from(LISTED) | MADE | st.text(TAG_LETTERS, max_size=40)


@given(st.text() | TAGS)
@example("20240101-")
@example("v")
@example(".")
def test_no_text_makes_reading_raise(text: str) -> None:
    found = read_tag(text)
    read_extract(text)
    kind_of(text)
    if found:
        as_newer_suffix(found)


@given(TAGS)
def test_reading_depends_on_the_tag_alone(tag: str) -> None:
    found = read_tag(tag)
    families._read_around.cache_clear()
    families.family_of.cache_clear()
    assert read_tag(tag) == found


@given(TAGS, TAGS, TAGS)
def test_keys_have_one_order_whatever_tags_they_are_of(one: str, two: str, three: str) -> None:
    keys = [found.key for tag in (one, two, three) if (found := read_tag(tag))]
    for first in keys:
        for second in keys:
            assert (first < second) + (first == second) + (second < first) == 1
            for third in keys:
                assert not (first < second < third) or first < third


@given(st.lists(TAGS, max_size=30))
def test_keys_of_one_family_have_equally_many_numbers(tags: list[str]) -> None:
    lengths: dict[Family, int] = {}
    for tag in tags:
        found = read_tag(tag)
        for each in (found, as_newer_suffix(found)) if found else ():
            assert lengths.setdefault(each.family, len(each.key)) == len(each.key)


@given(PREFIXES, st.lists(st.integers(0, 300), min_size=1, max_size=5), SUFFIXES, st.data())
def test_a_higher_number_is_a_higher_version_of_the_same_family(
    prefix: str, numbers: list[int], suffix: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(numbers) - 1))
    raised = [*numbers[:place], numbers[place] + 1, *numbers[place + 1 :]]
    low, high = (read_tag(prefix + ".".join(map(str, each)) + suffix) for each in (numbers, raised))
    # in api-v0-20241014 the date is the version, and what stands before it is prefix
    if low and high and not low.family.scheme.startswith("YYYY"):
        assert low.family == high.family
        assert low.key < high.key


@given(st.sampled_from(["", "v"]), st.tuples(*[st.integers(0, 10**8)] * 3))
def test_a_short_version_is_read_as_a_long_one(prefix: str, numbers: tuple[int, int, int]) -> None:
    plain = read_tag(prefix + ".".join(map(str, numbers)))
    longer = read_tag(prefix + ".".join(map(str, numbers)) + "-alpine-slim")
    assert (plain is None) == (longer is None)
    if plain and longer:
        assert plain.key == longer.key
        assert plain.family == longer.family._replace(suffix="")


@given(TAGS, st.sampled_from(["3f2a9c1", "g0a1b2c3", "9b8c7d6e5f4a"]), st.sampled_from("-."))
def test_tags_that_differ_in_a_commit_alone_are_equal(tag: str, commit: str, joint: str) -> None:
    one, other = (read_tag(f"{tag}{joint}{each}") for each in (commit, "7f6e5d4"))
    if one and other and one.key[3] == RELEASE:
        assert (one.key, one.family) == (other.key, other.family)
