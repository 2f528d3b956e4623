"""A second opinion on where images are written: simple, complete, and ignorant of imagebot.

Nothing of imagebot is imported here. Every scalar of a whole file, as PyYAML loads it, that reads
as an image reference with a tag or digest and stands under a key that speaks of images; every
name with a tag beside it; every `image:`; the FROM lines of Dockerfiles. In a file that does not
load, the lines that look so. What is none of imagebot's business is in EXCEPTIONS, each with its
reason; whatever else is seen must be found or reported.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

NAME = r"[a-zA-Z0-9][a-zA-Z0-9._-]*(?::\d+)?(?:/[a-zA-Z0-9][a-zA-Z0-9._-]*)*"
REFERENCE = re.compile(rf"{NAME}(?=[:@])(?::\w[\w.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?")
NAME_ALONE = re.compile(NAME)
VERSION = re.compile(r"(?:sha256:)?\w[\w.-]{0,127}(?:@sha256:[0-9a-f]{64})?")
PAIRS = (  # keys of a name, and keys beside it that then hold its version
    (("repository", "image", "imageName"), ("tag", "imageTag", "image_tag", "digest")),
    (("name", "newName"), ("newTag", "digest")),
)
ARGUMENT = re.compile(rf"--?[\w.-]*image[\w.-]*=(?P<value>{REFERENCE.pattern})", re.IGNORECASE)
FROM_LINE = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(?P<value>\S+)", re.MULTILINE | re.IGNORECASE)
LINE = re.compile(
    r"""^[ \t-]*["']?(?P<key>[\w.-]*image|newTag)["']?:[ \t]+"""
    r"""["']?(?P<value>[^\s"'#{}]+)["']?\s*(?:\#|$)""",
    re.MULTILINE | re.IGNORECASE,
)
NOT_YAML = "(not YAML)"
MAX_NESTED = 3  # YAML in the text of YAML in the text of ...


@dataclass(frozen=True, slots=True)
class Seen:
    """A value that says which image runs, and the lines that it takes."""

    file: str
    first_line: int  # 1-based
    last_line: int
    text: str
    keys: tuple[str, ...]
    kind: str  # the sort of file or document, in the words of docs/formats.md where it has them
    is_schema: bool = False
    is_nested: bool = False  # in the text of another value
    is_argument: bool = False  # in an argument or environment variable of a container
    by_line: bool = False  # the file does not load as YAML

    def __str__(self) -> str:
        return f"{self.file}:{self.first_line}: {'.'.join(self.keys)}: {self.text}"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why values of one sort are none that imagebot should find by itself."""

    words: str
    holds: Callable[[Seen], bool]


def _ends(*keys: str) -> Callable[[Seen], bool]:
    """Whether the last keys, without indices, are these; "*image*" is any that speaks of images."""

    def holds(seen: Seen) -> bool:
        last = [key for key in seen.keys if not key.isdigit()][-len(keys) :]
        return len(last) == len(keys) and all(
            "image" in have.lower() if want == "*image*" else have == want
            for have, want in zip(last, keys, strict=True)
        )

    return holds


EXCEPTIONS = (
    Reason("schemas and their examples in CustomResourceDefinitions", lambda seen: seen.is_schema),
    Reason(
        "arguments and environment of a container: only under a marker or a policy's fields",
        lambda seen: seen.is_argument,
    ),
    Reason(
        "annotations, as kubectl's copy of what was applied: only under a marker",
        lambda seen: "annotations" in seen.keys,
    ),
    Reason("an object of OpenShift (ImageStreamTag), no image", _ends("*image*", "from", "name")),
    Reason(
        "a repository that Flux scans (ImageRepository), no image that runs",
        lambda seen: "image.toolkit.fluxcd.io" in seen.file and seen.keys[:1] == ("spec",),
    ),
    Reason("the image of a Ceph block device", _ends("rbd", "image")),
    Reason("an image that Skaffold builds, not one it pulls", _ends("build", "artifacts", "image")),
    Reason("an input of a GitHub action: only under a marker", _ends("with", "*image*")),
    Reason(
        "settings of an application: only under a marker or a policy's fields",
        lambda seen: _ends("*image*", "value")(seen) or _ends("*image*", "options")(seen),
    ),
    Reason(
        "a bare word without tag, outside of a whole Kubernetes document: it could be anything",
        lambda seen: (
            (seen.kind != "kubernetes" or seen.is_nested)
            and not seen.by_line
            and not re.search("[:@/]", seen.text)
            and _ends("image")(seen)
        ),
    ),
)


def explanation(seen: Seen) -> str | None:
    """Why imagebot need not find it, None where nothing says so."""
    return next((reason.words for reason in EXCEPTIONS if reason.holds(seen)), None)


def search(file: str, source: bytes) -> list[Seen]:
    """Everything in a file that looks like an image, each place once."""
    text = source.decode("utf-8", "replace").removeprefix("\ufeff")
    name = PurePosixPath(file).name
    if re.search(r"(^|\.)(dockerfile|containerfile)(\.|$)", name, re.IGNORECASE):
        return [
            _at(file, text, found, "dockerfile", ("FROM",)) for found in FROM_LINE.finditer(text)
        ]
    try:
        documents = list(yaml.compose_all(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError:
        return [
            _at(file, text, found, NOT_YAML, (found["key"],), by_line=True)
            for found in LINE.finditer(text)
            if "$" not in found["value"]
        ]
    seen = [each for root in documents if root is not None for each in _document(file, root)]
    return list({(each.first_line, each.text): each for each in seen}.values())


def _at(
    file: str, text: str, found: re.Match[str], kind: str, keys: tuple[str, ...], **more: bool
) -> Seen:
    line = text.count("\n", 0, found.start("value")) + 1
    return Seen(file, line, line, found["value"], keys, kind, **more)


def _document(
    file: str, root: yaml.Node, line_offset: int = 0, depth: int = 0, above: tuple[str, ...] = ()
) -> Iterator[Seen]:
    kind = _kind(file, root)
    is_schema = _text(_children(root).get("kind")) == "CustomResourceDefinition"
    met: set[int] = set()

    def seen(node: yaml.Node, keys: tuple[str, ...], text: str, **more: bool) -> Seen:
        first = node.start_mark.line + 1 + line_offset
        last = node.end_mark.line + 1 + line_offset
        return Seen(file, first, last, text, keys, kind, is_schema, depth > 0, **more)

    def walk(node: yaml.Node, keys: tuple[str, ...]) -> Iterator[Seen]:
        if id(node) in met:
            return
        met.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield from pairs(node, keys)
            for key, value in node.value:
                yield from walk(value, (*keys, str(key.value)[:60]))
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                yield from walk(item, (*keys, str(index)))
        elif isinstance(node, yaml.ScalarNode):
            yield from scalar(node, keys)

    def pairs(node: yaml.MappingNode, keys: tuple[str, ...]) -> Iterator[Seen]:
        children = _children(node)
        for names, versions in PAIRS:
            if any(NAME_ALONE.fullmatch(_text(children.get(key))) for key in names):
                for key in versions:
                    value = children.get(key)
                    is_null = value is None or value.tag == "tag:yaml.org,2002:null"
                    if value is not None and not is_null and VERSION.fullmatch(_text(value)):
                        yield seen(value, (*keys, key), _text(value))
        if _text(children.get("url")).startswith("oci://"):
            for key, value in _children(children.get("ref")).items():
                yield seen(value, (*keys, "ref", key), _text(value))
        says_image = "image" in _text(children.get("name")).lower()
        if says_image and REFERENCE.fullmatch(_text(children.get("value"))):
            yield seen(children["value"], keys, _text(children["value"]), is_argument=True)

    def scalar(node: yaml.ScalarNode, keys: tuple[str, ...]) -> Iterator[Seen]:
        text = node.value.strip()
        named = [key for key in keys if not key.isdigit()]
        says_image = any("image" in key.lower() for key in named[-3:])
        if says_image and REFERENCE.fullmatch(text):
            yield seen(node, keys, text)
        elif named[-1:] in (["image"], ["container"]) and NAME_ALONE.fullmatch(text):
            if node.tag == "tag:yaml.org,2002:str":
                yield seen(node, keys, text)
        elif named[-1:] == ["uses"] and text.startswith("docker://"):
            yield seen(node, keys, text)
        elif ARGUMENT.search(text) and "\n" not in text:
            yield seen(node, keys, text, is_argument=True)
        elif node.style == "|" and depth < MAX_NESTED and ":" in text:
            yield from nested(node, keys)

    def nested(node: yaml.ScalarNode, keys: tuple[str, ...]) -> Iterator[Seen]:
        try:
            inner = list(yaml.compose_all(node.value, Loader=yaml.CSafeLoader))
        except yaml.YAMLError:
            return
        offset = node.start_mark.line + 1 + line_offset
        for root in inner:
            if isinstance(root, yaml.MappingNode | yaml.SequenceNode):
                yield from _document(file, root, offset, depth + 1, keys)

    yield from walk(root, above)


def _children(node: yaml.Node | None) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {str(key.value): value for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def _text(node: Any) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def _kind(file: str, root: yaml.Node | None) -> str:
    name = PurePosixPath(file).name.lower()
    keys = _children(root)
    if "/.github/" in f"/{file}":
        return "github-actions"
    if re.fullmatch(r"(docker-)?compose.*\.ya?ml", name):
        return "compose"
    if name.endswith(".gitlab-ci.yml"):
        return "gitlab-ci"
    kind = _text(keys.get("kind"))
    if name in ("kustomization", "kustomization.yaml", "kustomization.yml") or kind in (
        "Kustomization",
        "Component",
    ):
        return "kustomize"
    if kind and "apiVersion" in keys:
        return "kubernetes"
    return "helm-values" if "values" in file.lower() else "(other YAML)"
