"""The schema of `spec.pullRequest`: how updates are put together and proposed.

Pure. Templates are names in braces and nothing else (imagebot/templates.py).
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Tag, WithJsonSchema

from imagebot import templates
from imagebot.document_words import found_words
from imagebot.documents import DocumentPart, checked, wrong
from imagebot.policy.schema_texts import (
    UNIQUE,
    PatternText,
    Reviewer,
    matching,
    switch_or_mapping,
)

CHOICE_NAMES = ("policy", "image", "folder", "environment", "team", "step")
LABEL_NAMES = (*CHOICE_NAMES, "group")
TITLE_NAMES = (*LABEL_NAMES, "title", "count")

_NAME = r"\{(?:" + "|".join(CHOICE_NAMES) + r")\}"
_GROUP_EDGE = rf"(?:[A-Za-z0-9]|{_NAME})"
_GROUP = rf"{_GROUP_EDGE}(?:(?:[A-Za-z0-9 ._-]|{_NAME}){{0,61}}{_GROUP_EDGE})?"
_PATH = r"[^\x00-\x1f\x7f/\\][^\x00-\x1f\x7f\\]{0,199}"

Steps = Annotated[
    tuple[Literal["major", "minor", "patch", "digest"], ...], Field(min_length=1), *UNIQUE
]
GateCount = Annotated[int, Field(ge=1, le=1000)]


def _template(names: tuple[str, ...]) -> AfterValidator:
    def check(text: str) -> str:
        checked(lambda each: templates.check(each, names), text)
        return text

    return AfterValidator(check)


def _check_path(text: str) -> str:
    if any(part in ("", ".", "..") for part in text.split("/")):
        hint = "write it from the root of the git repository: .imagebot/body.md.j2"
        raise wrong(f"found {found_words(text)}, allowed: a path inside the git repository", hint)
    return text


GroupTemplate = Annotated[
    str,
    _template(CHOICE_NAMES),
    *matching(_GROUP, "letters, digits, spaces and . _ - and {names}, at most 63"),
]
LabelTemplate = Annotated[
    str,
    _template(LABEL_NAMES),
    *matching(r"[^\x00-\x1f\x7f,]{1,50}", "at most 50 characters, no comma"),
]
TitleTemplate = Annotated[
    str,
    _template(TITLE_NAMES),
    *matching(r"[^\x00-\x1f\x7f]{1,150}", "one line of at most 150 characters"),
]
TemplatePath = Annotated[
    str, AfterValidator(_check_path), *matching(_PATH, "a path inside the git repository")
]
Milestone = Annotated[
    str, *matching(r"[^\x00-\x1f\x7f]{1,100}", "one line of at most 100 characters")
]


class AutoMergePart(DocumentPart):
    """Which requests are merged without a person, and how."""

    steps: Steps = Field(
        default=("digest", "patch", "minor"),
        description="All updates of the request are one of these: major, minor, patch, digest.",
    )
    method: Literal["merge", "squash", "rebase"] = Field(
        default="merge", description="How the forge puts the commit onto the base."
    )
    by: Literal["forge", "imagebot"] = Field(
        default="forge",
        description="The forge's own auto-merge or merge queue, or imagebot when checks are green.",
    )
    without_checks: bool = Field(
        default=False,
        description="Let imagebot merge also what no check has looked at, as without any CI.",
    )


class LimitsPart(DocumentPart):
    """How many requests there may be."""

    open: GateCount | None = Field(default=None, description="Open at once, at most.")
    new_per_hour: GateCount | None = Field(
        default=None, description="Opened within an hour, at most."
    )


class PlacesPart(DocumentPart):
    """Where the path of a file says whose it is. RE2; the first group, or all that was found."""

    environment: PatternText | None = Field(
        default=None,
        description="Finds the environment in a path.",
        examples=["^clusters/([^/]+)/"],
    )
    team: PatternText | None = Field(default=None, description="Finds the team in a path.")
    folder: PatternText | None = Field(
        default=None, description="Finds the folder of the application in a path."
    )


_BY = ("policy", "image", "folder", "environment", "team", "step")
_By = Literal["policy", "image", "folder", "environment", "team", "step"]


def _by(value: Any) -> Any:
    """One may stand without a list."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, tuple | list):
        raise wrong(f"found {found_words(value)}, allowed: {', '.join(_BY)}, or a list")
    return value


ByChoice = Annotated[
    tuple[_By, ...],
    *UNIQUE,
    BeforeValidator(_by),
    Field(min_length=1),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(_BY)},
                {"type": "array", "items": {"enum": list(_BY)}, "minItems": 1, "uniqueItems": True},
            ]
        }
    ),
]


AutoMergeChoice = Annotated[
    Annotated[bool, Tag("switch")] | Annotated[AutoMergePart, Tag("mapping")],
    *switch_or_mapping("true, false, or {steps: [patch], method: squash, by: forge}"),
]


class PullRequestPart(DocumentPart):
    """How updates are proposed."""

    group: GroupTemplate | None = Field(
        default=None,
        description="Updates of one group land in one pull request; {team}, {environment}, "
        "{folder}, {image}, {policy} and {step} are filled in.",
        examples=["backend", "{team} {environment}"],
    )
    by: ByChoice = Field(
        default=(),
        description="What keeps updates apart: policy, image, folder, environment, team, step "
        "(majors each alone, the rest together). A list: all of these.",
    )
    places: PlacesPart = Field(
        default_factory=PlacesPart,
        description="Where paths say environment, team and folder, unless by their usual names.",
    )
    title: TitleTemplate | None = Field(
        default=None,
        description="Template of the title; {title} is the one it has anyway.",
        examples=["chore(deps): {title}"],
    )
    template: TemplatePath | None = Field(
        default=None, description="File with the Jinja template of the body, from the root."
    )
    labels: Annotated[tuple[LabelTemplate, ...], *UNIQUE] = Field(
        default=(),
        max_length=20,
        description="Labels the pull request gets; names in braces as in group, and {group}.",
        examples=[["deps", "update/{step}"]],
    )
    reviewers: Annotated[tuple[Reviewer, ...], *UNIQUE] = Field(
        default=(), max_length=15, description="Users, or teams as org/team, asked for review."
    )
    code_owners: bool = Field(
        default=False, description="Ask the owners of the changed files for review, too."
    )
    assignees: Annotated[tuple[Reviewer, ...], *UNIQUE] = Field(
        default=(), max_length=10, description="Users it is assigned to."
    )
    milestone: Milestone | None = Field(default=None, description="Its title; it must exist.")
    draft: bool = Field(default=False, description="Open it as a draft.")
    rebase: Literal["conflict", "behind", "never"] = Field(
        default="conflict",
        description="When the branch is written anew: edited files changed on the base, the base "
        "moved at all, never.",
    )
    auto_merge: AutoMergeChoice = Field(
        default=False, description="Merge without a person; true: all steps but major."
    )
    status: bool = Field(
        default=False, description="Tell each gate as a commit status: imagebot/cooldown."
    )
    limits: LimitsPart = Field(
        default_factory=LimitsPart,
        description="How many requests with updates of this policy there may be.",
    )
