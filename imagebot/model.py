"""The nouns that travel between the steps of a reconciliation. All frozen, no I/O.

A reader who knows these knows what each step gives to the next: `formats` finds
`Occurrence`s, `selection` turns tags into `Candidate`s and `Rejection`s, `reconcile` joins
both to a `Choice`, and `edits` makes `Edit`s of it. What comes of those stands in proposals.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from imagebot.image import Digest, ImageReference, Platform, Repository, parse_name
from imagebot.policy.model import Policy
from imagebot.times import shown_time
from imagebot.version import Step


class Span(NamedTuple):
    """Half-open byte range in one file, and the bytes that stood there when it was read."""

    start: int
    end: int
    written: bytes


class Part(StrEnum):
    """Which part of an image reference a scalar holds."""

    REFERENCE = "reference"  # name[:tag][@digest]
    NAME = "name"  # repository, with or without its registry
    REGISTRY = "registry"  # registry host alone, joined with a NAME
    TAG = "tag"  # tag, or tag@digest where it is written so
    TAG_ALONE = "tag-alone"  # a tag that no digest can be joined to
    CHART_VERSION = "chart-version"  # the same, of a Helm chart: where a tag has _ it has +
    DIGEST = "digest"
    DIGEST_HEX = "digest-hex"  # of a sha256 digest the hexadecimal digits alone

    @property
    def holds_tag(self) -> bool:
        """Whether a tag is replaced here."""
        return self in _WITH_TAG

    @property
    def is_digest(self) -> bool:
        """Whether a digest and nothing else stands here."""
        return self in _DIGESTS


_WITH_TAG = frozenset({Part.REFERENCE, Part.TAG, Part.TAG_ALONE, Part.CHART_VERSION})
_DIGESTS = frozenset({Part.DIGEST, Part.DIGEST_HEX})
_WITH_DIGEST = _DIGESTS | {Part.REFERENCE, Part.TAG}


class Style(StrEnum):
    """How a scalar is written, which decides what may be put there without quoting."""

    PLAIN = "plain"
    PLAIN_IN_DOUBLE = "plain-in-double"  # in a text that itself stands in double quotes
    SINGLE = "single"
    DOUBLE = "double"
    LITERAL = "literal"
    FOLDED = "folded"
    PIECE = "piece"  # inside a scalar, or no YAML at all: quotes never come or go
    JSON = "json"  # a number, true, false or null in JSON: only a string may take its place
    JSON_IN_DOUBLE = "json-in-double"  # the same in a text that itself stands in double quotes
    RAW = "raw"  # not a YAML scalar: text named by a marker on its line


class Slot(NamedTuple):
    """One scalar that holds a part of an image reference.

    `span` covers the scalar's content only: without quotes, anchor or YAML tag, and for block
    scalars without indentation. `text` is the value that YAML reads there.
    """

    part: Part
    span: Span
    style: Style
    text: str
    in_flow: bool = False  # inside [...] or {...}: `,[]{}` may not stand in a plain scalar
    before: str = ""  # of the part, but written elsewhere: `FROM a:${V}-slim` has `-slim` after
    after: str = ""


IGNORE = "ignore"  # instead of a policy's name: leave this value alone


@dataclass(frozen=True, slots=True)
class Marker:
    """A comment that puts a value under a policy: `# imagebot: NAME[:part]` or Flux's JSON form."""

    policy: str
    part: Part  # REFERENCE when the marker names none
    line: int  # 1-based
    is_sentence: bool = False  # words follow the name, so it may be prose about imagebot


@dataclass(frozen=True, slots=True)
class SourceName:
    """What a Flux source is called. `namespace` is "" where the file does not say it."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True)
class ChartSource:
    """A Flux HelmRepository: where the charts of all objects that name it come from."""

    name: SourceName
    url: str  # as written: "oci://ghcr.io/acme/charts", or that of a classic chart repository


# What kustomize takes for a kustomization.
KUSTOMIZATION_FILES = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})


class ImagesEntry(NamedTuple):
    """An entry of a kustomization's `images`: which image it means and what it sets."""

    name: str  # as the resources have it by then
    new_name: str  # "" where it keeps the name
    sets_version: bool  # a tag or a digest
    line: int


class Kustomization(NamedTuple):
    """What a kustomization takes in, and for which images it sets another name or version."""

    file: str
    resources: tuple[str, ...]  # as written: files and folders relative to its own, and URLs
    entries: tuple[ImagesEntry, ...]


@dataclass(frozen=True, slots=True)
class SourcedChart:
    """A chart whose registry is told by a document elsewhere in the git repository."""

    chart: str
    source: SourceName


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An image reference found in a file, with the places of its parts.

    `name` is the image name as written (registry and repository joined), None where only a tag
    or digest stands under a marker: then the policy says which image it is. `reference` is the
    parsed whole, None under the same condition. A reference without tag and digest is possible.
    Of a chart whose source is elsewhere (`sourced`) a single file knows no reference either: the
    survey of all files adds it.
    """

    file: str  # POSIX path from the root of the git repository
    line: int  # 1-based; of the value that an update would change
    column: int  # 1-based
    address: str  # key path: spec.template.spec.containers[0].image
    format: str  # name in the formats table
    slots: tuple[Slot, ...]
    reference: ImageReference | None
    tag: str | None
    digest: Digest | None
    marker: Marker | None = None
    aliases: tuple[int, ...] = ()  # lines of YAML aliases that follow an edit of this value
    other_markers: tuple[Marker, ...] = ()  # at the same value or its aliases: all must agree
    sourced: SourcedChart | None = None
    field_of: str = ""  # identity of the policy among whose `fields` its address is

    @property
    def is_ignored(self) -> bool:
        """Whether a marker says that this image is nobody's to update."""
        return self.marker is not None and self.marker.policy == IGNORE

    @property
    def can_hold_digest(self) -> bool:
        """Whether a digest can be written beside, inside or instead of the tag."""
        return any(slot.part in _WITH_DIGEST for slot in self.slots)

    def slot(self, part: Part) -> Slot | None:
        return next((slot for slot in self.slots if slot.part is part), None)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read or used, told to the user like a compiler would.

    `line` and `column` are 1-based, 0 when unknown. `address` is a key path or "". `image` is the
    normalised name of an image that stands there and cannot be written, "" where that is not so.
    """

    file: str
    line: int
    column: int
    message: str
    hint: str = ""
    address: str = ""
    is_warning: bool = False
    image: str = ""

    def where(self) -> str:
        place = [self.file] if self.file else []
        place += [str(number) for number in (self.line, self.column) if number]
        return ":".join(place)


# A longer file comes from its tree cut one byte behind this: nobody knows then how long it is.
MAX_CONTENT_BYTES = 16 * 1024 * 1024


class Found(NamedTuple):
    """What one file holds, in the order of its bytes."""

    occurrences: tuple[Occurrence, ...] = ()
    problems: tuple[Problem, ...] = ()
    chart_sources: tuple[ChartSource, ...] = ()
    kustomizations: tuple[Kustomization, ...] = ()
    is_ignored: bool = False  # a mark in its first lines says so, and nothing else was looked at


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tag the policy allows. `step` is relative to the current tag, None without one."""

    tag: str
    key: str  # what was ordered: the tag or its extract
    step: Step | None


class Ground(StrEnum):
    """The kind of reason for which a tag is not taken: the first of these that holds."""

    ARTIFACT = "artifact"  # signature, attestation, sbom: belongs to another image
    FILTER = "filter"  # the policy's filter does not let it in
    UNREADABLE = "unreadable"  # names nothing that the order can compare
    EXCLUDED = "excluded"
    SKIPPED = "skipped"  # the policy names this very tag
    FAMILY = "family"  # looks different around the version
    LOWER = "lower"
    SAME = "same"  # as high as the current in all that is compared
    PRE_RELEASE = "pre-release"
    RANGE = "range"
    STEP = "step"  # farther than `allow` lets it go


@dataclass(frozen=True, slots=True)
class Rejection:
    """A tag that was not taken, and why, in words for the user."""

    tag: str
    reason: str
    ground: Ground


@dataclass(frozen=True, slots=True)
class Selection:
    """What the policy makes of a listing, relative to one current tag.

    `candidates` are strictly better than the current tag, best first: the best hundred, and the
    best of each step. `kept_out` are the highest few that are better too but that the policy's
    range, pre-release rule, `allow` or `skip` keeps out, highest first. `note` says why there is
    no candidate at all, where that needs words. `undated` are tags of which the time must be known
    before anything can be chosen (order newest-build), newest-looking first.
    """

    candidates: tuple[Candidate, ...]
    kept_out: tuple[Rejection, ...] = ()
    note: str = ""
    undated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """A selection with what became of every single tag but the current."""

    selection: Selection
    candidates: tuple[Candidate, ...]  # all, best first
    rejections: tuple[Rejection, ...]  # by tag


@dataclass(frozen=True, slots=True)
class TagList:
    """One complete listing. `dropped_count` tags broke the tag grammar and were left out."""

    repository: Repository
    tags: tuple[str, ...]
    dropped_count: int = 0
    etag: str = ""  # of the answer, where the registry gives one and the listing is one page


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What a registry says of one tag: the digest is that of the index where there is one."""

    tag: str
    digest: Digest
    media_type: str


@dataclass(frozen=True, slots=True)
class ImageContent:
    """What a digest holds, which never changes: the manifest of each platform.

    An image without an index has one platform, and its own digest there. Manifests that are no
    images (attestations: unknown/unknown) are left out.
    """

    digest: Digest
    manifests: Mapping[Platform, Digest]


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the ledger knows of one tag that points to one digest.

    `is_seeded`: the tag was there when imagebot first looked at its repository, so it is older
    than `first_seen_at` by nobody knows how much. `moved_from`: the digest it pointed to before.
    """

    first_seen_at: datetime
    is_seeded: bool
    moved_from: Digest | None = None


@dataclass(frozen=True, slots=True)
class TagRecord:
    """What the ledger knows of one tag: when it was first listed, and its digest, if asked."""

    first_seen_at: datetime
    is_seeded: bool
    digest: Digest | None = None


class Verdict(StrEnum):
    ADMIT = "admit"
    HOLD = "hold"  # not now; `until` says when, where that is known
    REJECT = "reject"


DECLINED = "declined"  # the gate that is a person's word on exactly one version


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """What a gate says of one candidate, with its clock."""

    tag: str
    gate: str  # "cooldown", "platforms", "content"
    verdict: Verdict
    reason: str
    until: datetime | None = None
    undone_by: int = 0  # the number of the closed request that declines it, if a box can undo that

    def __str__(self) -> str:
        """One line: `2.4.0 is held until 2026-11-27 10:00 UTC: cool-down 3d: first seen ...`."""
        if self.verdict is Verdict.ADMIT:
            return f"{self.tag} may go: {self.reason}"
        if self.verdict is Verdict.HOLD:
            until = f" until {shown_time(self.until)}" if self.until else ""
            return f"{self.tag} is held{until}: {self.reason}"
        return f"{self.tag} is not taken: {self.reason}"


@dataclass(frozen=True, slots=True)
class Update:
    """The reference as written now and the tag and digest that should stand there instead.

    `digest` None means: write no digest; an existing one is removed. An empty `tag` means a digest
    alone (`imagebot set`).
    """

    occurrence: Occurrence
    reference: ImageReference  # current, whole (the policy's image where the file has only a tag)
    tag: str
    digest: Digest | None
    step: Step | None
    name: str | None = None  # new image name to write (`imagebot set`); None keeps the name

    @property
    def repository(self) -> Repository:
        """The image that stands there after the update."""
        return parse_name(self.name) if self.name else self.reference.repository


@dataclass(frozen=True, slots=True)
class Choice:
    """What was decided for one occurrence, and why.

    `policy` None: nothing governs it. `selection` None: nothing was asked or nothing answered,
    then `reason` says why. `update` None: the file stays as it is.
    """

    occurrence: Occurrence
    policy: Policy | None
    reference: ImageReference | None
    selection: Selection | None
    update: Update | None
    reason: str  # one line for people: "up to date", "suspended: ...", "registry ...: ..."
    is_failure: bool = False  # the registry could not be asked; a later try can change this
    is_suspended: bool = False  # by its policy
    verdicts: tuple[GateVerdict, ...] = ()  # of the candidates that were looked at, best first

    @property
    def held(self) -> tuple[GateVerdict, ...]:
        """Candidates that a gate holds, best first."""
        return tuple(each for each in self.verdicts if each.verdict is Verdict.HOLD)

    @property
    def declined(self) -> tuple[GateVerdict, ...]:
        """Candidates that a person declined, best first."""
        return tuple(each for each in self.verdicts if each.gate == DECLINED)

    @property
    def passed_over(self) -> tuple[GateVerdict, ...]:
        """Candidates that a gate holds or rejects, best first."""
        return tuple(each for each in self.verdicts if each.verdict is not Verdict.ADMIT)


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the bytes of one span. Refused when the span's bytes are not what it expects."""

    span: Span
    new: bytes


@dataclass(frozen=True, slots=True)
class FileEdits:
    """All edits of one file with the updates they carry out."""

    file: str
    edits: tuple[Edit, ...]
    updates: tuple[Update, ...]
