"""The schema of policy documents: what may be written, in types that check it.

Pure. The published JSON Schema is made from these types (`imagebot schema`), so editors and
`imagebot check` never disagree on keys. Values are checked for meaning, too: names, globs,
ranges and patterns are compiled here, so that a wrong one has a line and a column.
"""

import re
from collections.abc import Callable, Hashable, Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from imagebot.documents import DocumentPart, checked, found_words, near, wrong
from imagebot.errors import PolicyError
from imagebot.image import shortened
from imagebot.patterns import Pattern
from imagebot.policy import globs
from imagebot.policy.fields_schema import FieldPart
from imagebot.version import Range

GROUP = "imagebot.dev/"
API_VERSION = "imagebot.dev/v1alpha1"
LOCAL_CONFIG = "config.kubernetes.io/local-config"

_NAME = r"(?!ignore(?:-file)?$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# User names, but also e-mail addresses, names with spaces, and ids: `{uuid}`, `557058:uuid`.
_REVIEWER = r"[A-Za-z0-9{][A-Za-z0-9._@+:} -]{0,99}(?:/[A-Za-z0-9][A-Za-z0-9._ -]{0,99}){0,5}"
_GROUP = r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,61}[A-Za-z0-9])?"
_LABEL = r"[^\x00-\x1f\x7f,]{1,50}"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_LATER_ORDERS = ("numeric", "date", "alphabetic", "newest-build", "digest")

T = TypeVar("T", bound=Hashable)


def _matching(pattern: str, what: str, hint: Callable[[str], str] | None = None) -> Any:
    """Marks of a text that must match a pattern, which is published in the JSON Schema."""
    compiled = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if not compiled.fullmatch(text) or text != text.strip():
            raise wrong(f"found {found_words(text)}, allowed: {what}", hint(text) if hint else "")
        return text

    schema = {"type": "string", "pattern": f"^(?:{pattern})$"}
    return AfterValidator(check), WithJsonSchema(schema)


def _once(items: tuple[T, ...]) -> tuple[T, ...]:
    for index, item in enumerate(items):
        if item in items[:index]:
            raise wrong(f"{item!r} is listed twice", "remove one of the two")
    return items


_UNIQUE = (AfterValidator(_once), Field(json_schema_extra={"uniqueItems": True}))


def _check_pattern(text: str) -> str:
    try:
        Pattern.compile(text)
    except PolicyError as error:
        is_glob = text.startswith("*")
        advice = f"this is a regular expression, not a glob: write {text[1:]!r}" if is_glob else ""
        raise wrong(str(error), advice or error.hint) from error
    return text


def _check_path(text: str) -> str:
    checked(globs.check_path, text)
    return text


def _check_range(text: str) -> str:
    checked(Range.parse, text)
    return text


def _day(text: Any) -> Any:
    if isinstance(text, str) and re.fullmatch(_DAY, text, re.ASCII):
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise wrong(f"{text} is no day of the calendar") from error
    raise wrong(f"found {found_words(text)}, allowed: a day such as 2026-12-01")


def _order(text: Any) -> Any:
    if isinstance(text, str) and text in _LATER_ORDERS:
        raise wrong(f"the order {text!r} is not supported yet", "semver is, for now")
    if text != "semver":
        hint = near(text, ["semver"]) if isinstance(text, str) else ""
        raise wrong(f"found {found_words(text)}, allowed: semver", hint)
    return text


def _suspend(value: Any) -> Any:
    if not isinstance(value, bool | dict):
        allowed = "true, false, or {reason: ..., until: 2026-12-01}"
        raise wrong(f"found {found_words(value)}, allowed: {allowed}")
    return value


def _name_hint(text: str) -> str:
    proposed = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return f"for example {proposed[:63]}" if proposed else ""


def _reviewer_hint(text: str) -> str:
    return f"write {text[1:]} without the @" if text.startswith("@") else ""


ImageGlob = Annotated[str, AfterValidator(lambda text: checked(globs.whole_image, text))]
PathGlob = Annotated[str, AfterValidator(_check_path)]
PatternText = Annotated[str, AfterValidator(_check_pattern)]
RangeText = Annotated[str, AfterValidator(_check_range)]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Name = Annotated[str, *_matching(_NAME, "lower-case letters, digits and -, at most 63", _name_hint)]
Reviewer = Annotated[str, *_matching(_REVIEWER, "a user name, or team as org/team", _reviewer_hint)]
Label = Annotated[str, *_matching(_LABEL, "at most 50 characters, no comma")]
GroupName = Annotated[str, *_matching(_GROUP, "letters, digits, spaces and . _ -, at most 63")]
Reason = Annotated[
    str, *_matching(r"[^\x00-\x1f\x7f]{0,200}", "one line of at most 200 characters")
]


class Metadata(DocumentPart):
    """Name and annotations, as in Kubernetes."""

    refused: ClassVar[Mapping[str, str]] = {
        "namespace": "a policy belongs to the folder of its file; remove the namespace"
    }

    name: Name = Field(description="What markers and messages call the policy.")
    annotations: dict[str, str] = Field(
        default_factory=dict,
        description=f'Set {LOCAL_CONFIG}: "true" to keep the document out of the cluster.',
    )
    labels: dict[str, str] = Field(default_factory=dict, description="Yours; not read.")


class Tags(DocumentPart):
    """Which tags may be taken, and how they are ordered."""

    not_yet: ClassVar[Mapping[str, str]] = {
        "prereleases": "name one in the range for now: '>=2.0.0-0'",
        "skip": "list the tags under exclude for now: ['^2\\.1\\.0$']",
        "held": "",
    }

    order: Annotated[Literal["semver"], BeforeValidator(_order)] = Field(
        default="semver", description="How tags are ordered."
    )
    range: RangeText | None = Field(
        default=None,
        description="Versions allowed: '>=2.1 <3', '~1.4', '^2', '1.x || 2.x'.",
        examples=[">=2.1 <3"],
    )
    filter: PatternText | None = Field(
        default=None,
        description="Regular expression (RE2), searched in the tag; lets tags in.",
        examples=["^v(?P<version>.+)-alpine$"],
    )
    extract: str | None = Field(
        default=None,
        description="What is ordered, from the filter's groups: '$version' or '$1'.",
        examples=["$version"],
    )
    exclude: Annotated[tuple[PatternText, ...], *_UNIQUE] = Field(
        default=(),
        max_length=100,
        description="Regular expressions (RE2), searched in the tag; keep tags out.",
    )
    allow: Literal["major", "minor", "patch"] = Field(
        default="major", description="The highest step from the version in the file."
    )

    @field_validator("extract")
    @classmethod
    def _extract_fits_the_filter(cls, extract: str | None, rest: ValidationInfo) -> str | None:
        if extract is None or "filter" not in rest.data:
            return extract
        pattern = rest.data["filter"]
        if pattern is None:
            raise wrong(
                "extract needs a filter", "write a filter with a group: '^v(?P<version>.+)$'"
            )
        if "$" not in extract:
            hint = "write $version or ${version} for the filter's group (?P<version>...)"
            raise wrong(f"{shortened(extract)!r} names no group of the filter", hint)
        checked(Pattern.compile(pattern).check_template, extract)
        return extract


class Suspend(DocumentPart):
    """Why, and until when, the policy is switched off."""

    reason: Reason = Field(default="", description="Shown where updates are missed.")
    until: Day | None = Field(
        default=None, description="The day (UTC) on which updates go again; for ever without."
    )


class PullRequestPart(DocumentPart):
    """How updates are proposed."""

    not_yet: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("title", "body", "branch", "assignees", "draft", "automerge", "limit"), ""
    )

    group: GroupName | None = Field(
        default=None, description="Updates of one group land in one pull request."
    )
    labels: Annotated[tuple[Label, ...], *_UNIQUE] = Field(
        default=(), max_length=20, description="Labels the pull request gets."
    )
    reviewers: Annotated[tuple[Reviewer, ...], *_UNIQUE] = Field(
        default=(), max_length=15, description="Users, or teams as org/team, asked for review."
    )


SuspendChoice = Annotated[
    Annotated[bool, Tag("switch")] | Annotated[Suspend, Tag("mapping")],
    Discriminator(lambda value: "switch" if isinstance(value, bool) else "mapping"),
    BeforeValidator(_suspend),
]


class Spec(DocumentPart):
    """Which images in which files, which tags, and how updates are proposed."""

    not_yet: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("platforms", "cooldown", "skip", "held", "window", "windows"), ""),
        **dict.fromkeys(("freeze", "verify", "constraints", "promote", "allowDowngrade"), ""),
        "range": "write it under tags",
    }

    images: Annotated[tuple[ImageGlob, ...], *_UNIQUE] = Field(
        default=("**",),
        min_length=1,
        max_length=200,
        description="Image names, or globs over the whole name: ghcr.io/acme/worker-*.",
    )
    paths: Annotated[tuple[PathGlob, ...], *_UNIQUE] = Field(
        default=("**",),
        min_length=1,
        max_length=200,
        description="Globs over files, relative to this file's folder.",
    )
    tags: Tags = Field(default_factory=Tags, description="Which tags may be taken.")
    pin: Literal["tag", "digest", "keep"] = Field(
        default="keep",
        description="Write the tag, tag@digest, or what the file has today.",
    )
    fields: Annotated[tuple[FieldPart, ...], *_UNIQUE] = Field(
        default=(), max_length=100, description="Values that no format finds, by their address."
    )
    suspend: SuspendChoice = Field(
        default=False, description="Switch the policy off, with a reason and a day if you like."
    )
    pull_request: PullRequestPart = Field(
        default_factory=PullRequestPart, description="How updates are proposed."
    )


class ImagePolicy(DocumentPart):
    """Which tags imagebot may write for some images in this folder and below."""

    not_yet: ClassVar[Mapping[str, str]] = {"status": "imagebot writes no status into git"}

    api_version: Literal["imagebot.dev/v1alpha1"]
    kind: Literal["ImagePolicy"]
    metadata: Metadata
    spec: Spec


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of policy documents."""
    schema = ImagePolicy.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://imagebot.dev/schemas/v1alpha1/imagepolicy.json",
        **schema,
    }
