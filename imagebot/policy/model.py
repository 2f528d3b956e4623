"""What a policy says, after it was read: the nouns that selection, edits and change sets use.

Pure and frozen. Made from policy documents by `policy.documents`; nothing here knows YAML.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from imagebot.dates import Layout
from imagebot.image import Platform
from imagebot.patterns import Pattern
from imagebot.talk import MergeMethod
from imagebot.version import Range, Step
from imagebot.windows import Freeze, Windows


class Order(StrEnum):
    """How tags are ordered."""

    SEMVER = "semver"
    NUMERIC = "numeric"  # exact: integers and decimal fractions of any size
    DATE = "date"  # by a layout, or one of the well-known ones
    ALPHABETIC = "alphabetic"  # bytewise
    NEWEST_BUILD = "newest-build"  # by time, see TagTime
    DIGEST = "digest"  # the tag stays, its digest moves


class TagTime(StrEnum):
    """Whose word on the age of an image the order newest-build takes."""

    CREATED = "created"  # the image's own, set by whoever built it
    FIRST_SEEN = "first-seen"  # imagebot's own


class Suffix(StrEnum):
    """What may become of the text behind the version."""

    KEEP = "keep"
    NEWER = "newer"  # its numbers may rise: -alpine3.20 to -alpine3.21


class Pin(StrEnum):
    """What is written: the tag alone, tag@digest, or as the file has it today."""

    TAG = "tag"
    DIGEST = "digest"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class TagRules:
    """Which tags may be taken, and how they are ordered."""

    order: Order = Order.SEMVER
    range: Range | None = None
    filter: Pattern | None = None  # searched in the tag; lets tags in
    extract: tuple[str, ...] = ()  # templates over the filter's groups: what is ordered, by rank
    exclude: tuple[Pattern, ...] = ()
    allow: Step = Step.MAJOR  # highest step from the current version
    coerce: bool = False  # versions of one and two parts count as three: 1.25 is 1.25.0
    layout: Layout | None = None  # of the order date; None: the well-known ones
    suffix: Suffix = Suffix.KEEP
    time: TagTime = TagTime.CREATED  # of the order newest-build


class UnknownAge(StrEnum):
    """What becomes of a tag that was there when imagebot first looked."""

    WAIT = "wait"  # it counts from that first look
    ADMIT = "admit"  # it counts as old enough


@dataclass(frozen=True, slots=True)
class Cooldown:
    """How old a tag must be, by the step to it. None: `default` says."""

    default: timedelta = timedelta(0)
    major: timedelta | None = None
    minor: timedelta | None = None
    patch: timedelta | None = None
    digest: timedelta | None = None
    unknown_age: UnknownAge = UnknownAge.WAIT

    def for_step(self, step: Step | None) -> timedelta:
        """The minimum age for a step; the longest there is where the step is not known."""
        by_step = {
            Step.MAJOR: self.major,
            Step.MINOR: self.minor,
            Step.PATCH: self.patch,
            Step.DIGEST: self.digest,
        }
        if step is None:
            return max(self.default, *(age or timedelta(0) for age in by_step.values()))
        age = by_step[step]
        return self.default if age is None else age


class Held(StrEnum):
    """What a held candidate means for the tags below it."""

    WAIT = "wait"  # everything waits for it
    NEXT = "next"  # the next best one goes through


@dataclass(frozen=True, slots=True)
class Skip:
    """One tag that is not wanted. `until`: UTC day on which it may be taken again."""

    tag: str
    reason: str = ""
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Suspension:
    """Switched off by the user. `until`: UTC day on which updates go again, None for ever."""

    reason: str = ""
    until: date | None = None


class By(StrEnum):
    """What keeps updates apart: two land together only where they agree in it."""

    POLICY = "policy"
    IMAGE = "image"
    FOLDER = "folder"  # of the application
    ENVIRONMENT = "environment"
    TEAM = "team"
    STEP = "step"  # everything but majors together, each major alone


class Rebase(StrEnum):
    """When a branch is written anew because its base moved."""

    CONFLICT = "conflict"  # when edited files changed there
    BEHIND = "behind"  # whenever the base moved
    NEVER = "never"


class MergedBy(StrEnum):
    FORGE = "forge"  # its own auto-merge or merge queue
    IMAGEBOT = "imagebot"  # when required checks are green


@dataclass(frozen=True, slots=True)
class AutoMerge:
    """Requests that need no person, if all their updates are one of these steps."""

    steps: tuple[Step, ...] = (Step.DIGEST, Step.PATCH, Step.MINOR)
    method: MergeMethod = MergeMethod.MERGE
    by: MergedBy = MergedBy.FORGE
    without_checks: bool = False  # by imagebot, also where no check has shown up


@dataclass(frozen=True, slots=True)
class Limit:
    """How many requests there may be. None: as many as there are."""

    open: int | None = None  # at once
    new_per_hour: int | None = None


@dataclass(frozen=True, slots=True)
class PlacePatterns:
    """Where the path of a file says whose it is: the first group, or all that was found.

    None: by the usual names of folders, see places.py.
    """

    environment: Pattern | None = None
    team: Pattern | None = None
    folder: Pattern | None = None


@dataclass(frozen=True, slots=True)
class PullRequestRules:
    group: str | None = None  # template: updates of one group land together; see grouping.py
    labels: tuple[str, ...] = ()  # templates
    reviewers: tuple[str, ...] = ()  # user names, or org/team
    by: tuple[By, ...] = ()  # what keeps updates apart; group and by empty: policy and image
    places: PlacePatterns = field(default_factory=PlacePatterns)
    assignees: tuple[str, ...] = ()  # user names
    milestone: str = ""  # by its title
    draft: bool = False
    rebase: Rebase = Rebase.CONFLICT
    auto_merge: AutoMerge | None = None
    title: str = ""  # template; "": imagebot's own
    template: str = ""  # path of the body's template from the root; "": imagebot's own
    code_owners: bool = False  # owners of the changed files are asked for review, too
    status: bool = False  # each gate is told as a commit status
    limits: Limit = field(default_factory=Limit)  # of requests with updates of this policy


@dataclass(frozen=True, slots=True)
class Field:
    """A value at an address, and which part of an image it holds."""

    path: str  # see field_paths.py
    part: str  # reference, name, tag or digest
    image: str | None = None  # of a tag or digest
    kind: str | None = None  # only in documents of this kind
    line: int = 0  # of the path, in the policy's file
    column: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """One ImagePolicy document. `folder` is "" at the root of the git repository."""

    name: str
    file: str  # POSIX path of the policy document's file
    line: int  # 1-based, of the document
    images: tuple[str, ...] = ("**",)  # names or globs over the normalised repository
    paths: tuple[str, ...] = ("**",)  # globs relative to the folder
    tags: TagRules = field(default_factory=TagRules)
    pin: Pin = Pin.KEEP
    platforms: tuple[Platform, ...] = ()  # a tag must exist for all of them; empty: not asked
    cooldown: Cooldown = field(default_factory=Cooldown)
    held: Held = Held.NEXT
    skip: tuple[Skip, ...] = ()
    suspend: Suspension | None = None
    pull_request: PullRequestRules = field(default_factory=PullRequestRules)
    fields: tuple[Field, ...] = ()
    interval: timedelta | None = None  # between two listings; None: by how often tags change
    windows: Windows = field(default_factory=Windows)
    freezes: tuple[Freeze, ...] = ()
    written: tuple[str, ...] = ()  # keys that the document says itself: "pin", "tags.allow"

    @property
    def folder(self) -> str:
        return self.file.rpartition("/")[0]

    @property
    def identity(self) -> str:
        """Unique in one git repository: file#name."""
        return f"{self.file}#{self.name}"

    def suspended_on(self, today: date) -> str | None:
        """Why nothing goes on this (UTC) day, None where the policy is not suspended then."""
        if self.suspend is None or (self.suspend.until and today >= self.suspend.until):
            return None
        until = f" until {self.suspend.until}" if self.suspend.until else ""
        return f"suspended{until}" + (f": {self.suspend.reason}" if self.suspend.reason else "")

    def skipped_on(self, today: date) -> Mapping[str, str]:
        """Tags that are not wanted on this (UTC) day, with the reason in words."""
        return {
            skip.tag: "skipped"
            + (f" until {skip.until}" if skip.until else "")
            + (f": {skip.reason}" if skip.reason else "")
            for skip in self.skip
            if skip.until is None or today < skip.until
        }


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One issue that lists all that is open, waits and fails."""

    title: str = "Image updates"
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RepositoryPolicy:
    """The one RepositoryPolicy document of a git repository.

    `defaults` holds what it says for all policies; of its images, paths, tags to match and name
    nothing is used. `trouble` says why nothing new may be proposed: errors, or a second one.
    """

    file: str
    line: int
    defaults: Policy
    name: str = ""
    limits: Limit = field(default_factory=Limit)  # of all requests of the git repository
    base: str = ""  # branch that updates are proposed for; "": as the settings say
    dashboard: Dashboard | None = None
    trouble: str = ""
