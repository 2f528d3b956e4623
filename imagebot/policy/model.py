"""What a policy says, after it was read: the nouns that selection, edits and change sets use.

Pure and frozen. Made from policy documents by `policy.documents`; nothing here knows YAML.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from imagebot.patterns import Pattern
from imagebot.version import Range, Step


class Order(StrEnum):
    """How tags are ordered. Others than semver come with issue 3 and are refused until then."""

    SEMVER = "semver"


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
    extract: str | None = None  # template over the filter's groups: what is ordered
    exclude: tuple[Pattern, ...] = ()
    allow: Step = Step.MAJOR  # highest step from the current version


@dataclass(frozen=True, slots=True)
class Suspension:
    """Switched off by the user. `until`: UTC day on which updates go again, None for ever."""

    reason: str = ""
    until: date | None = None


@dataclass(frozen=True, slots=True)
class PullRequestRules:
    group: str | None = None  # updates of one group land together; None: one per policy and image
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()  # user names, or org/team


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
    suspend: Suspension | None = None
    pull_request: PullRequestRules = field(default_factory=PullRequestRules)
    fields: tuple[Field, ...] = ()

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
