"""The schema of policy documents: what may be written, in types that check it.

Pure. The published JSON Schema is made from these types (published_schema.py), so editors and
`imagebot check` never disagree on keys. Which tags may be taken is in tags_schema.py, how updates
are proposed in requests_schema.py, when they may go in times_schema.py.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from imagebot.document_words import found_words
from imagebot.documents import DocumentPart, wrong
from imagebot.policy.fields_schema import FieldPart
from imagebot.policy.requests_schema import PullRequestPart
from imagebot.policy.schema_texts import (
    UNIQUE,
    Day,
    ImageGlob,
    Interval,
    MinimumAge,
    Name,
    PathGlob,
    PlatformText,
    Reason,
    TagText,
    switch_or_mapping,
)
from imagebot.policy.tags_schema import Tags
from imagebot.policy.times_schema import FreezePart, WindowsPart

GROUP = "imagebot.dev/"
API_VERSION = "imagebot.dev/v1alpha1"
LOCAL_CONFIG = "config.kubernetes.io/local-config"


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


def _cooldown(value: Any) -> Any:
    if not isinstance(value, str | dict):
        allowed = "a time such as 3d, or {major: 14d, minor: 3d, patch: 1d}"
        raise wrong(f"found {found_words(value)}, allowed: {allowed}")
    return value


class Suspend(DocumentPart):
    """Why, and until when, the policy is switched off."""

    reason: Reason = Field(default="", description="Shown where updates are missed.")
    until: Day | None = Field(
        default=None, description="The day (UTC) on which updates go again; for ever without."
    )


class Cooldown(DocumentPart):
    """How old a tag must be before it is taken, by the step to it."""

    default: MinimumAge | None = Field(default=None, description="For steps not named here.")
    major: MinimumAge | None = Field(default=None, description="For major steps.")
    minor: MinimumAge | None = Field(default=None, description="For minor steps.")
    patch: MinimumAge | None = Field(default=None, description="For patch steps.")
    digest: MinimumAge | None = Field(default=None, description="For a digest that moves.")
    unknown_age: Literal["wait", "admit"] = Field(
        default="wait",
        description="What becomes of tags that were there when imagebot first looked: they count "
        "from that look, or as old enough.",
    )


class Skip(DocumentPart):
    """One tag that is not wanted."""

    tag: TagText = Field(description="The tag, in full.")
    reason: Reason = Field(default="", description="Shown where the tag is missed.")
    until: Day | None = Field(
        default=None, description="The day (UTC) on which it may be taken; never without."
    )


def _each_tag_once(skips: tuple[Skip, ...]) -> tuple[Skip, ...]:
    tags = [skip.tag for skip in skips]
    twice = next((tag for tag in tags if tags.count(tag) > 1), None)
    if twice is not None:
        raise wrong(f"{twice} stands here twice; only one of its entries can count")
    return skips


SuspendChoice = Annotated[
    Annotated[bool, Tag("switch")] | Annotated[Suspend, Tag("mapping")],
    *switch_or_mapping("true, false, or {reason: ..., until: 2026-12-01}"),
]

CooldownChoice = Annotated[
    Annotated[MinimumAge, Tag("one")] | Annotated[Cooldown, Tag("steps")],
    Discriminator(lambda value: "steps" if isinstance(value, dict | Cooldown) else "one"),
    BeforeValidator(_cooldown),
]


class Shared(DocumentPart):
    """What a policy may say for its images, and a repository's for all of them."""

    pin: Literal["tag", "digest", "keep"] = Field(
        default="keep",
        description="Write the tag, tag@digest, or what the file has today.",
    )
    platforms: Annotated[tuple[PlatformText, ...], *UNIQUE] = Field(
        default=(),
        max_length=20,
        description="A tag is taken only when it has an image for each of these: linux/arm64.",
    )
    cooldown: CooldownChoice | None = Field(
        default=None, description="How old a tag must be: 3d, or by step."
    )
    held: Literal["next", "wait"] = Field(
        default="next",
        description="While the best tag is held by a gate, the next best goes, or all wait.",
    )
    skip: Annotated[tuple[Skip, ...], AfterValidator(_each_tag_once)] = Field(
        default=(), max_length=100, description="Tags that are not wanted, and why."
    )
    suspend: SuspendChoice = Field(
        default=False, description="Switch the policy off, with a reason and a day if you like."
    )
    interval: Interval | None = Field(
        default=None,
        description="How often `imagebot run` asks for the tags; by how often they change if left "
        "out.",
    )
    windows: WindowsPart = Field(
        default_factory=WindowsPart, description="Hours at which updates may go."
    )
    freezes: tuple[FreezePart, ...] = Field(
        default=(), max_length=50, description="Times without updates, and why."
    )
    pull_request: PullRequestPart = Field(
        default_factory=PullRequestPart, description="How updates are proposed."
    )


class Spec(Shared):
    """Which images in which files, which tags, and how updates are proposed."""

    not_yet: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("verify", "constraints", "promote", "allowDowngrade"), ""),
        "range": "write it under tags",
    }
    refused: ClassVar[Mapping[str, str]] = {
        "window": "write windows: {allow: ['Mon-Fri 08:00-17:00 Europe/Berlin']}",
        "freeze": "write freezes: [{from: 2026-12-20, until: 2027-01-04}]",
        "limits": "write it under pullRequest; for all requests in the RepositoryPolicy",
        "dashboard": "write it in the RepositoryPolicy",
        "base": "write it in the RepositoryPolicy",
    }

    images: Annotated[tuple[ImageGlob, ...], *UNIQUE] = Field(
        default=("**",),
        min_length=1,
        max_length=200,
        description="Image names, or globs over the whole name: ghcr.io/acme/worker-*.",
    )
    paths: Annotated[tuple[PathGlob, ...], *UNIQUE] = Field(
        default=("**",),
        min_length=1,
        max_length=200,
        description="Globs over files, relative to this file's folder.",
    )
    tags: Tags = Field(default_factory=Tags, description="Which tags may be taken.")
    fields: Annotated[tuple[FieldPart, ...], *UNIQUE] = Field(
        default=(), max_length=100, description="Values that no format finds, by their address."
    )

    @model_validator(mode="after")
    def _a_digest_that_is_followed_is_written(self) -> Self:
        if self.tags.order == "digest" and self.pin == "tag":
            hint = "remove pin, or write pin: digest"
            raise wrong("the order digest needs a digest in the file", hint, key="pin")
        return self


class ImagePolicy(DocumentPart):
    """Which tags imagebot may write for some images in this folder and below."""

    not_yet: ClassVar[Mapping[str, str]] = {"status": "imagebot writes no status into git"}

    api_version: Literal["imagebot.dev/v1alpha1"]
    kind: Literal["ImagePolicy"]
    metadata: Metadata
    spec: Spec
