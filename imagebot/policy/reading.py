"""Find policy documents in any YAML file, by content, and read them into policies.

Pure. A document is ours when its `apiVersion` starts with `imagebot.dev/`; all others in
the same file are left alone, readable or not. A document with errors still says, as far as it
can be read, which images and paths it meant: nothing else may decide over those meanwhile.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from imagebot import yaml_tree
from imagebot.dates import Layout
from imagebot.documents import found_words, near, place, problem_at, validate
from imagebot.image import Platform
from imagebot.model import Problem
from imagebot.patterns import Pattern
from imagebot.policy import schema
from imagebot.policy.model import (
    Cooldown,
    Field,
    Held,
    Order,
    Pin,
    Policy,
    PullRequestRules,
    Skip,
    Suffix,
    Suspension,
    TagRules,
    TagTime,
    UnknownAge,
)
from imagebot.policy.schema_texts import ImageGlob, PathGlob
from imagebot.policy.tags_schema import Tags
from imagebot.version import Range, Step
from imagebot.yaml_tree import Chunk, Node

PREFILTER = b"imagebot.dev/"
KIND = "ImagePolicy"
_LATER_KINDS = ("RepositoryPolicy",)
_OTHER_KINDS = ("Settings",)  # settings.py reads these
_CLAIM = re.compile(rb"^[^#\n]*apiVersion[\"']?\s*:\s*[\"']?imagebot\.dev/", re.MULTILINE)
_SETTINGS = re.compile(rb"^kind\s*:\s*[\"']?Settings\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """What one file holds.

    `broken` stands for documents with errors: they govern their images and paths as the others
    do, but only to keep farther policies from deciding there (see governing.py).
    `has_settings`: a document of kind Settings stands here, too, and was not read.
    """

    policies: tuple[Policy, ...] = ()
    problems: tuple[Problem, ...] = ()
    broken: tuple[Policy, ...] = ()
    has_settings: bool = False


def find(file: str, source: bytes) -> PolicyFile:
    """Read every policy document of a file. Costs one search where there is none."""
    if PREFILTER not in source:
        return PolicyFile()
    has_settings = False
    policies: list[Policy] = []
    broken: list[Policy] = []
    problems: list[Problem] = []
    left_bytes = yaml_tree.MAX_DOCUMENT_BYTES
    for chunk in yaml_tree.split(source):
        if PREFILTER not in chunk.source:
            continue
        is_ours = _CLAIM.search(chunk.source) is not None
        has_settings |= is_ours and _SETTINGS.search(chunk.source) is not None
        left_bytes -= len(chunk.source)
        if left_bytes < 0 and not is_ours:
            continue  # a large manifest with an annotation of ours
        if left_bytes < 0:
            limit = (
                f"the documents that mention {PREFILTER.decode()} are larger than 1 MiB together"
            )
            problems.append(Problem(file, chunk.first_line, 0, limit, "use several files"))
            broken.append(Policy("", file, chunk.first_line))
            break
        policy, found = _read(file, chunk)
        problems += found
        if policy:
            has_error = any(not problem.is_warning for problem in found)
            (broken if has_error else policies).append(policy)
    problems.sort(key=lambda problem: (problem.line, problem.column))
    return PolicyFile(tuple(policies), tuple(problems), tuple(broken), has_settings)


def _read(file: str, chunk: Chunk) -> tuple[Policy | None, tuple[Problem, ...]]:
    root, problems = yaml_tree.parse(file, chunk)
    if root is None:
        is_ours = _CLAIM.search(chunk.source) and not _SETTINGS.search(chunk.source)
        if not (problems and is_ours):
            return None, ()
        return Policy("", file, chunk.first_line), problems
    version, kind = _plain(root, "apiVersion"), _plain(root, "kind")
    if not isinstance(version, str) or not version.startswith(schema.GROUP):
        return None, ()
    if kind in _OTHER_KINDS:
        return None, ()
    if kind != KIND:
        return _unsupported_kind(file, root, kind)
    document, found = validate(file, root, schema.ImagePolicy)
    problems += found
    if document is None or problems:
        return _as_far_as_readable(file, root), problems
    return _policy(file, root, document), _warnings(file, root, document)


def _plain(root: Node, *path: str) -> Any:
    node: Node | None = root
    for key in path:
        node = node.get(key) if node else None
    return node.plain() if node else None


def _unsupported_kind(
    file: str, root: Node, kind: Any
) -> tuple[Policy | None, tuple[Problem, ...]]:
    path = ("kind",) if root.get("kind") else ()
    if kind is None:
        message, hint = "the key 'kind' is missing", f"write kind: {KIND}"
    elif kind in _LATER_KINDS:
        message, hint = f"the kind {kind!r} is not supported yet", "remove the document for now"
    else:
        message = f"found {found_words(kind)}, allowed: {KIND!r}"
        hint = near(kind, [KIND]) if isinstance(kind, str) else ""
    # A later kind sets defaults only; a misspelt ImagePolicy might have governed anything.
    meant = None if kind in _LATER_KINDS else _as_far_as_readable(file, root)
    return meant, (problem_at(file, root, path, message, hint),)


def _as_far_as_readable(file: str, root: Node) -> Policy:
    """The images and paths of a document with errors; everything where they are wrong, too."""
    name = _plain(root, "metadata", "name")
    return Policy(
        name=name if isinstance(name, str) else "",
        file=file,
        line=root.line,
        images=_readable_globs(ImageGlob, _plain(root, "spec", "images")),
        paths=_readable_globs(PathGlob, _plain(root, "spec", "paths")),
    )


def _readable_globs(kind: Any, written: Any) -> tuple[str, ...]:
    if not written:
        return ("**",)
    try:
        return tuple(TypeAdapter(tuple[kind, ...]).validate_python(written, strict=True))
    except ValidationError:
        return ("**",)


def _policy(file: str, root: Node, document: schema.ImagePolicy) -> Policy:
    spec = document.spec
    return Policy(
        name=document.metadata.name,
        file=file,
        line=root.line,
        images=spec.images,
        paths=spec.paths,
        tags=_tag_rules(spec.tags),
        pin=Pin(spec.pin),
        platforms=tuple(Platform.parse(text) for text in spec.platforms),
        cooldown=_cooldown(spec.cooldown),
        held=Held(spec.held),
        skip=tuple(Skip(skip.tag, skip.reason, skip.until) for skip in spec.skip),
        suspend=_suspension(spec.suspend),
        pull_request=PullRequestRules(
            spec.pull_request.group, spec.pull_request.labels, spec.pull_request.reviewers
        ),
        fields=_fields(root, spec),
    )


def _fields(root: Node, spec: schema.Spec) -> tuple[Field, ...]:
    return tuple(
        Field(each.path, each.part, each.image, each.kind, *place(root, ("spec", "fields", at)))
        for at, each in enumerate(spec.fields)
    )


def _tag_rules(tags: Tags) -> TagRules:
    return TagRules(
        order=Order(tags.order),
        range=Range.parse(tags.range) if tags.range is not None else None,
        filter=Pattern.compile(tags.filter) if tags.filter is not None else None,
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


def _warnings(file: str, root: Node, document: schema.ImagePolicy) -> tuple[Problem, ...]:
    if document.metadata.annotations.get(schema.LOCAL_CONFIG) == "true":
        return ()
    line, column = place(root, ("metadata",), of_key=True)
    message = f'the annotation {schema.LOCAL_CONFIG} is missing or not "true"'
    hint = f'add annotations: {{{schema.LOCAL_CONFIG}: "true"}}, which keeps it out of the cluster'
    return (Problem(file, line, column, message, hint, "metadata.annotations", is_warning=True),)
