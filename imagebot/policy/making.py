"""Policies from checked documents, and the keys that a document says itself.

Pure. What a document leaves out has its default here and may be filled in from the repository's
policy (defaults.py), for which the written keys are kept.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import TypedDict

from pydantic.alias_generators import to_camel

from imagebot.dates import Layout
from imagebot.documents import DocumentPart, place
from imagebot.image import Platform
from imagebot.patterns import Pattern
from imagebot.policy import repository_schema, requests_schema, schema
from imagebot.policy.model import (
    AutoMerge,
    By,
    Cooldown,
    Dashboard,
    Field,
    Held,
    Limit,
    MergedBy,
    Order,
    Pin,
    PlacePatterns,
    Policy,
    PullRequestRules,
    Rebase,
    RepositoryPolicy,
    Skip,
    Suffix,
    Suspension,
    TagRules,
    TagTime,
    UnknownAge,
)
from imagebot.policy.tags_schema import Tags
from imagebot.policy.times_schema import FreezePart, WindowsPart
from imagebot.talk import MergeMethod
from imagebot.version import Range, Step
from imagebot.windows import Freeze, Window, Windows
from imagebot.yaml_tree import Node

# Mappings whose keys are filled in one by one; of all others the nearer one counts as a whole.
_KEY_BY_KEY = (
    Tags,
    repository_schema.DefaultTags,
    schema.Cooldown,
    requests_schema.PullRequestPart,
    requests_schema.LimitsPart,
    requests_schema.PlacesPart,
)


# Keys of a RepositoryPolicy that are not for its policies.
_OF_ALL_TOGETHER = frozenset({"limits", "base", "dashboard"})


def policy(file: str, root: Node, document: schema.ImagePolicy) -> Policy:
    """One ImagePolicy."""
    spec = document.spec
    return Policy(
        name=document.metadata.name,
        file=file,
        line=root.line,
        images=spec.images,
        paths=spec.paths,
        tags=_tag_rules(spec.tags),
        fields=_fields(root, spec),
        **_shared(spec),
    )


def repository_policy(
    file: str, root: Node, document: repository_schema.RepositoryPolicy
) -> RepositoryPolicy:
    """One RepositoryPolicy."""
    spec, name = document.spec, document.metadata.name
    shared = _shared(spec)
    shared["written"] = tuple(
        key for key in shared["written"] if key.partition(".")[0] not in _OF_ALL_TOGETHER
    )
    tags = TagRules(
        exclude=tuple(Pattern.compile(text) for text in spec.tags.exclude),
        allow=Step(spec.tags.allow),
        coerce=spec.tags.coerce,
        suffix=Suffix(spec.tags.suffix),
    )
    return RepositoryPolicy(
        file=file,
        line=root.line,
        name=name,
        defaults=Policy(name, file, root.line, tags=tags, **shared),
        limits=_limit(spec.limits),
        base=spec.base or "",
        dashboard=_dashboard(spec.dashboard),
    )


def written_keys(part: DocumentPart, above: str = "") -> Iterator[str]:
    """The keys that stand in the document, in dots: `pin`, `pullRequest.group`."""
    for name in sorted(part.model_fields_set):
        key, value = above + to_camel(name), getattr(part, name)
        if isinstance(value, _KEY_BY_KEY):
            yield from written_keys(value, f"{key}.")
        else:
            yield key


class _Shared(TypedDict):
    pin: Pin
    platforms: tuple[Platform, ...]
    cooldown: Cooldown
    held: Held
    skip: tuple[Skip, ...]
    suspend: Suspension | None
    interval: timedelta | None
    windows: Windows
    freezes: tuple[Freeze, ...]
    pull_request: PullRequestRules
    written: tuple[str, ...]


def _shared(spec: schema.Shared) -> _Shared:
    return {
        "pin": Pin(spec.pin),
        "platforms": tuple(Platform.parse(text) for text in spec.platforms),
        "cooldown": _cooldown(spec.cooldown),
        "held": Held(spec.held),
        "skip": tuple(Skip(skip.tag, skip.reason, skip.until) for skip in spec.skip),
        "suspend": _suspension(spec.suspend),
        "interval": spec.interval,
        "windows": _windows(spec.windows),
        "freezes": tuple(_freeze(each) for each in spec.freezes),
        "pull_request": _pull_request(spec.pull_request),
        "written": tuple(written_keys(spec)),
    }


def _pull_request(part: requests_schema.PullRequestPart) -> PullRequestRules:
    return PullRequestRules(
        group=part.group,
        by=tuple(By(each) for each in part.by),
        places=PlacePatterns(
            _pattern(part.places.environment),
            _pattern(part.places.team),
            _pattern(part.places.folder),
        ),
        labels=part.labels,
        reviewers=part.reviewers,
        assignees=part.assignees,
        milestone=part.milestone or "",
        draft=part.draft,
        rebase=Rebase(part.rebase),
        auto_merge=_auto_merge(part.auto_merge),
        title=part.title or "",
        template=part.template or "",
        code_owners=part.code_owners,
        status=part.status,
        limits=_limit(part.limits),
    )


def _auto_merge(part: bool | requests_schema.AutoMergePart) -> AutoMerge | None:
    if isinstance(part, bool):
        return AutoMerge() if part else None
    steps = tuple(Step(each) for each in part.steps)
    return AutoMerge(steps, MergeMethod(part.method), MergedBy(part.by), part.without_checks)


def _limit(part: requests_schema.LimitsPart) -> Limit:
    return Limit(part.open, part.new_per_hour)


def _dashboard(part: bool | repository_schema.DashboardPart) -> Dashboard | None:
    if isinstance(part, bool):
        return Dashboard() if part else None
    return Dashboard(part.title, part.labels)


def _windows(part: WindowsPart) -> Windows:
    return Windows(
        tuple(Window.parse(text) for text in part.allow),
        tuple(Window.parse(text) for text in part.deny),
    )


def _freeze(part: FreezePart) -> Freeze:
    return Freeze(part.starts_at(), part.ends_at(), part.reason)


def _pattern(text: str | None) -> Pattern | None:
    return Pattern.compile(text) if text is not None else None


def _fields(root: Node, spec: schema.Spec) -> tuple[Field, ...]:
    return tuple(
        Field(each.path, each.part, each.image, each.kind, *place(root, ("spec", "fields", at)))
        for at, each in enumerate(spec.fields)
    )


def _tag_rules(tags: Tags) -> TagRules:
    return TagRules(
        order=Order(tags.order),
        range=Range.parse(tags.range) if tags.range is not None else None,
        filter=_pattern(tags.filter),
        extract=tags.extract or (),
        exclude=tuple(Pattern.compile(text) for text in tags.exclude),
        allow=Step(tags.allow),
        coerce=tags.coerce,
        layout=Layout.parse(tags.layout) if tags.layout is not None else None,
        suffix=Suffix(tags.suffix),
        time=TagTime(tags.time),
    )


def _cooldown(cooldown: timedelta | schema.Cooldown | None) -> Cooldown:
    if not isinstance(cooldown, schema.Cooldown):
        return Cooldown(cooldown or timedelta(0))
    return Cooldown(
        default=cooldown.default or timedelta(0),
        major=cooldown.major,
        minor=cooldown.minor,
        patch=cooldown.patch,
        digest=cooldown.digest,
        unknown_age=UnknownAge(cooldown.unknown_age),
    )


def _suspension(suspend: bool | schema.Suspend) -> Suspension | None:
    if isinstance(suspend, bool):
        return Suspension() if suspend else None
    return Suspension(suspend.reason, suspend.until)
