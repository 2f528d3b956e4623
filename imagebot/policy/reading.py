"""Find policy documents in any YAML file, by content, and read them into policies.

Pure. A document is ours when its `apiVersion` starts with `imagebot.dev/`; all others in
the same file are left alone, readable or not. A document with errors still says, as far as it
can be read, which images and paths it meant: nothing else may decide over those meanwhile.
"""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from imagebot import yaml_tree
from imagebot.document_words import found_words, near
from imagebot.documents import place, problem_at, validate
from imagebot.model import Problem
from imagebot.policy import making, schema
from imagebot.policy.model import Policy, RepositoryPolicy
from imagebot.policy.repository_schema import RepositoryPolicy as RepositoryDocument
from imagebot.policy.schema_texts import ImageGlob, PathGlob
from imagebot.yaml_tree import Chunk, Node

PREFILTER = b"imagebot.dev/"
KIND = "ImagePolicy"
REPOSITORY_KIND = "RepositoryPolicy"
_OTHER_KINDS = ("Settings",)  # settings.py reads these
_CLAIM = re.compile(rb"^[^#\n]*apiVersion[\"']?\s*:\s*[\"']?imagebot\.dev/", re.MULTILINE)
_SETTINGS = re.compile(rb"^kind\s*:\s*[\"']?Settings\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """What one file holds.

    `broken` stands for documents with errors: they govern their images and paths as the others
    do, but only to keep farther policies from deciding there (see governing.py). A repository's
    policy with errors says so itself. `has_settings`: a document of kind Settings stands here,
    too, and was not read.
    """

    policies: tuple[Policy, ...] = ()
    problems: tuple[Problem, ...] = ()
    broken: tuple[Policy, ...] = ()
    has_settings: bool = False
    repository_policies: tuple[RepositoryPolicy, ...] = ()


def find(file: str, source: bytes) -> PolicyFile:
    """Read every policy document of a file. Costs one search where there is none."""
    if PREFILTER not in source:
        return PolicyFile()
    has_settings = False
    policies: list[Policy] = []
    broken: list[Policy] = []
    for_all: list[RepositoryPolicy] = []
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
        if isinstance(policy, RepositoryPolicy):
            for_all.append(policy)
        elif policy:
            has_error = any(not problem.is_warning for problem in found)
            (broken if has_error else policies).append(policy)
    problems.sort(key=lambda problem: (problem.line, problem.column))
    return PolicyFile(tuple(policies), tuple(problems), tuple(broken), has_settings, tuple(for_all))


_Read = tuple[Policy | RepositoryPolicy | None, tuple[Problem, ...]]


def _read(file: str, chunk: Chunk) -> _Read:
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
    if kind == REPOSITORY_KIND:
        return _for_the_repository(file, root, problems)
    if kind != KIND:
        return _unsupported_kind(file, root, kind)
    document, found = validate(file, root, schema.ImagePolicy)
    problems += found
    if document is None or problems:
        return _as_far_as_readable(file, root), problems
    return making.policy(file, root, document), _warnings(file, root, document.metadata)


def _for_the_repository(file: str, root: Node, problems: tuple[Problem, ...]) -> _Read:
    document, found = validate(file, root, RepositoryDocument)
    problems += found
    if document is not None and not problems:
        made = making.repository_policy(file, root, document)
        return made, _warnings(file, root, document.metadata)
    name = _plain(root, "metadata", "name")
    name = name if isinstance(name, str) else ""
    nothing = Policy(name, file, root.line)
    return RepositoryPolicy(file, root.line, nothing, name, trouble="it has errors"), problems


def _plain(root: Node, *path: str) -> Any:
    node: Node | None = root
    for key in path:
        node = node.get(key) if node else None
    return node.plain() if node else None


def _unsupported_kind(file: str, root: Node, kind: Any) -> _Read:
    path = ("kind",) if root.get("kind") else ()
    known = (KIND, REPOSITORY_KIND)
    if kind is None:
        message, hint = "the key 'kind' is missing", f"write kind: {KIND}"
    else:
        message = f"found {found_words(kind)}, allowed: {' or '.join(map(repr, known))}"
        hint = near(kind, known) if isinstance(kind, str) else ""
    # A misspelt kind might have governed anything.
    return _as_far_as_readable(file, root), (problem_at(file, root, path, message, hint),)


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


def _warnings(file: str, root: Node, metadata: schema.Metadata) -> tuple[Problem, ...]:
    if metadata.annotations.get(schema.LOCAL_CONFIG) == "true":
        return ()
    line, column = place(root, ("metadata",), of_key=True)
    message = f'the annotation {schema.LOCAL_CONFIG} is missing or not "true"'
    hint = f'add annotations: {{{schema.LOCAL_CONFIG}: "true"}}, which keeps it out of the cluster'
    return (Problem(file, line, column, message, hint, "metadata.annotations", is_warning=True),)
