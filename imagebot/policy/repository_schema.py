"""The schema of the kind `RepositoryPolicy`: what holds for a whole git repository.

Pure. What an ImagePolicy may say as well is in schema.py; the nearer one wins, key by key.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, Tag

from imagebot.documents import BRANCH_PATTERN, DocumentPart
from imagebot.policy.requests_schema import LimitsPart
from imagebot.policy.schema import Metadata, Shared
from imagebot.policy.schema_texts import UNIQUE, Label, PatternText, matching, switch_or_mapping

BranchName = Annotated[str, *matching(BRANCH_PATTERN, "the name of a branch")]


class DefaultTags(DocumentPart):
    """What holds for the tags of every policy whose order has the key."""

    refused: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("order", "range", "filter", "extract", "layout", "time"),
        "it means one image or some; write it in their ImagePolicy",
    )

    allow: Literal["major", "minor", "patch"] = Field(
        default="major", description="The highest step from the version in the file."
    )
    exclude: Annotated[tuple[PatternText, ...], *UNIQUE] = Field(
        default=(),
        max_length=100,
        description="Regular expressions (RE2), searched in the tag; keep tags out.",
    )
    coerce: bool = Field(default=False, description="Versions of one and two parts count as three.")
    suffix: Literal["keep", "newer"] = Field(
        default="keep", description="Whether numbers in the text behind the version may rise."
    )


class DashboardPart(DocumentPart):
    """The issue that lists everything."""

    title: Annotated[
        str, *matching(r"[^\x00-\x1f\x7f]{1,100}", "one line of at most 100 characters")
    ] = Field(default="Image updates", description="Title of the issue.")
    labels: Annotated[tuple[Label, ...], *UNIQUE] = Field(
        default=(), max_length=20, description="Labels the issue gets."
    )


DashboardChoice = Annotated[
    Annotated[bool, Tag("switch")] | Annotated[DashboardPart, Tag("mapping")],
    *switch_or_mapping("true, false, or {title: ..., labels: [...]}"),
]


class RepositorySpec(Shared):
    """What every policy takes where it says nothing itself, and what holds for all requests."""

    refused: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("images", "paths", "fields"), "an ImagePolicy says which images imagebot may write"
    )

    tags: DefaultTags = Field(default_factory=DefaultTags, description="Which tags may be taken.")
    limits: LimitsPart = Field(
        default_factory=LimitsPart, description="How many requests there may be in all."
    )
    base: BranchName | None = Field(
        default=None, description="The branch that updates are proposed for."
    )
    dashboard: DashboardChoice = Field(
        default=False, description="Keep one issue that lists what is open, waits and fails."
    )


class RepositoryPolicy(DocumentPart):
    """Defaults for every ImagePolicy of a git repository, limits, windows and freezes."""

    not_yet: ClassVar[Mapping[str, str]] = {"status": "imagebot writes no status into git"}

    api_version: Literal["imagebot.dev/v1alpha1"]
    kind: Literal["RepositoryPolicy"]
    metadata: Metadata
    spec: RepositorySpec
