"""What stands behind the version of a tag: pre-release, variant, counters, commit.

Pure. `-rc.1-alpine3.20` is a pre-release and a variant; `-debian-12-r3` is a variant of which the
last number counts builds; `-3f2a9c1` is a commit. A variant has to be kept, a counter ranks builds
of one version, and a commit says nothing about order.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from imagebot.selection.dated_tags import COMPACT_DATE, DASHED_DATE
from imagebot.version import PRE_RELEASE, RELEASE, PreReleaseKey, natural_pre_release_key

COUNTER = "*"
DATE = "<date>"
COMMIT = "<commit>"

COMMIT_ID = "[0-9a-f]{7,40}"  # as git shortens it; seven digits alone are rather that than a count
_TIME = rf"(?:{COMPACT_DATE}(?:[0-9]{{4}}|[0-9]{{6}})?|1[0-9]{{9}}(?:[0-9]{{3}})?)"  # or since 1970
# Words whose number counts builds, patches or packagings of one version: Bitnami's -r3,
# LinuxServer's -ls249, GitLab's -ce.0, k3s1, 8u422-b05. Any other number belongs to the variant.
_COUNTED = (
    "r|rev|revision|b|build|bld|ls|ce|ee|cu|sp|u|update|p|pl|patch|post|fix|hotfix|rel|release|run"
    "|ci|k3s|rke2r|rancher|eksbuild|gke"
)
_COUNT = rf"(?i:{_COUNTED})[-.]?[0-9]{{1,18}}"
# A count is matched first, and kept: -gke.1678000 and -b1234567 would be commits by their letters.
_COMMIT = re.compile(
    rf"(?<![A-Za-z0-9])(?:(?P<count>{_COUNT})|(?!{_TIME}(?![A-Za-z0-9]))g?{COMMIT_ID})(?![A-Za-z0-9])"
)
_COMMIT_LENGTH = 7


def without_commits(text: str) -> str:
    """The text with `<commit>` for each commit, so that few texts are left to be read."""
    if len(text) < _COMMIT_LENGTH:
        return text
    return _COMMIT.sub(lambda found: found["count"] or COMMIT, text)


class Rest(NamedTuple):
    """What was behind the version. `suffix` is the variant, in which `*` stands for a counter,
    `<date>` for a date and `<commit>` for a commit; `counters` has the counters and dates."""

    pre_release: PreReleaseKey
    suffix: str
    counters: tuple[int, ...]


class SuffixShape(NamedTuple):
    """A variant apart from its numbers: `-php8.3-alpine3.20` is `-php#.#-alpine#.#`, (8, 3) and
    (3, 20)."""

    shape: str
    numbers: tuple[tuple[int, ...], ...]


# --- Pre-releases --------------------------------------------------------------------------------

# Words that say "not yet released" wherever they stand behind a version, unlike `-alpine`, which
# names another build of the same release. A bare `-dev` is such a variant (Chainguard, Superset),
# `-dev.3` is not.
_WORDS = (
    "alpha|beta|rc|cr|pre|preview|prerelease|snapshot|nightly|canary|next|edge|unstable"
    "|milestone|eap|ea|m(?=[0-9])|dev(?=[-.]?[0-9])"
)
_END = r"(?=[-_]|$)"
_IDENTIFIERS = r"(?:\.[0-9a-z]+)*?"
_BEFORE_COMMIT = rf"(?=\.{COMMIT}|[-_]|$)"  # which is no part of the pre-release
_HYPHENATED = re.compile(
    rf"-((?:(?:{_WORDS})(?:[-.]?[0-9]+)?|dev(?=\.)|[0-9]+\.(?:{_WORDS}|dev))"
    rf"{_IDENTIFIERS}){_BEFORE_COMMIT}",
    re.IGNORECASE,
)
_ATTACHED = re.compile(rf"[._]?({_WORDS}|[abc](?=[0-9]))[-._]?([0-9]*){_END}", re.IGNORECASE)
_PRE_RELEASE = re.compile(PRE_RELEASE)


def read_rest(rest: str, *, may_be_pre_release: bool) -> Rest:
    """Split what stands behind the numbers of a version, `without_commits`.

    Behind four numbers or more the words are channels, as in `5.12.0.9255-nightly`: a variant.
    """
    pre_release, length = _read_pre_release(rest) if may_be_pre_release else (RELEASE, 0)
    suffix, counters = _read_variant(rest[length:])
    return Rest(pre_release, suffix, counters)


def _read_pre_release(rest: str) -> tuple[PreReleaseKey, int]:
    """Its key, and how many characters it takes."""
    hyphenated = _HYPHENATED.match(rest)
    if hyphenated and _PRE_RELEASE.fullmatch(hyphenated[1]):
        return natural_pre_release_key(hyphenated[1]), hyphenated.end()
    attached = _ATTACHED.match(rest)
    if attached:  # 3.13.0rc1 is no semver text, so its number may count as one: rc.1
        text = f"{attached[1]}.{int(attached[2])}" if attached[2] else attached[1]
        if _PRE_RELEASE.fullmatch(text):
            return natural_pre_release_key(text), attached.end()
    return RELEASE, 0


# --- Variants ------------------------------------------------------------------------------------

_MOVING_PART = re.compile(
    rf"""(?<![A-Za-z0-9])(?:
        (?P<date> {_TIME} | {DASHED_DATE} )
      | (?P<word> (?i:{_COUNTED}) ) (?P<joint> [-.]? ) (?P<count> [0-9]{{1,18}} )
      | (?<=^[-_]) (?P<first> [0-9]{{1,6}} )
    )(?![A-Za-z0-9]|\.[0-9])""",
    re.VERBOSE,
)
_DIGIT = re.compile("[0-9]")
_COUNTED_BEHIND = re.compile(rf"(?:{_COUNTED})[0-9]", re.IGNORECASE)


def is_attached_counter(rest: str) -> bool:
    """Whether a counter follows the number directly: the u422 of `8u422-b05`."""
    return _COUNTED_BEHIND.match(rest) is not None


def _read_variant(text: str) -> tuple[str, tuple[int, ...]]:
    if not _DIGIT.search(text):
        return text, ()
    counters: list[int] = []

    def placeholder(found: re.Match[str]) -> str:
        if found["date"]:
            counters.append(int(found["date"].replace("-", "")))
            return DATE
        counters.append(int(found["count"] or found["first"]))
        return (found["word"] or "") + (found["joint"] or "") + COUNTER

    return _MOVING_PART.sub(placeholder, text), tuple(counters)


# Their numbers name a machine; v7 is not newer than v6.
_ARCHITECTURES = (
    "amd64|arm64(?:v8|-v8)?|arm32(?:v[5-7])?|arm(?:v?[5-8])?|aarch64|armhf|i[3-6]86|386|x86_64|x86|x64"
    "|s390x?|ppc64(?:le|el)?|riscv64|loong64|mips(?:64)?(?:le|el)?|win(?:32|64)|windows(?:32|64)"
)
_NUMBERS = re.compile(
    rf"(?<![A-Za-z0-9])(?:{_ARCHITECTURES})(?![A-Za-z0-9])|([0-9]{{1,18}}(?:\.[0-9]{{1,18}})*)",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def shape_of(suffix: str) -> SuffixShape:
    """Take the numbers out of `Rest.suffix`, those of architectures excepted."""
    numbers: list[tuple[int, ...]] = []

    def placeholder(found: re.Match[str]) -> str:
        if not found[1]:
            return found[0]
        parts = tuple(map(int, found[1].split(".")))
        numbers.append(parts)
        return ".".join("#" * len(parts))

    return SuffixShape(_NUMBERS.sub(placeholder, suffix), tuple(numbers))
