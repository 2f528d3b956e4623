"""A YAML document against a schema: a frozen model, or every problem that it has at once.

Pure. Used by policy documents and settings. Each problem tells file, line, column, key path,
what was found and what is allowed. Schemas are pydantic models made from `DocumentPart`,
which says which keys come with later versions and which are refused on purpose.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, PydanticCustomError

from imagebot import yaml_tree
from imagebot.document_words import found_in, found_words, message_of, near
from imagebot.errors import ImagebotError
from imagebot.image import shortened
from imagebot.model import Problem
from imagebot.times import parse_duration, shown_duration
from imagebot.yaml_tree import Node

KeyPath = tuple[str | int, ...]
T = TypeVar("T", bound="DocumentPart")
R = TypeVar("R")

# The name of a branch, by git check-ref-format.
BRANCH_PATTERN = r"(?![-/.])(?!.*(?:\.\.|//|@\{|\.lock$|[/.]$))[^\x00-\x20\x7f~^:?*\[\\]{1,200}"

_SECRET_KEY = re.compile(r"(?i)password|token|secret|privatekey")  # never show what stands there


class DocumentPart(BaseModel):
    """A mapping in a document: camelCase keys, no unknown ones, no conversion of types."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        hide_input_in_errors=True,
    )

    not_yet: ClassVar[Mapping[str, str]] = {}  # key -> what to do meanwhile, or ""
    refused: ClassVar[Mapping[str, str]] = {}  # key -> what to write instead

    @classmethod
    def known_keys(cls) -> tuple[str, ...]:
        """The keys that may be written."""
        return tuple(str(member.alias or name) for name, member in cls.model_fields.items())


def wrong(message: str, hint: str = "", *, key: str = "") -> PydanticCustomError:
    """What a validator of a schema raises. The message says what was found and what is allowed.

    A validator of a whole mapping names the `key` that is wrong, in dots: `owners.0.forge`.
    """
    context = {"message": message, "hint": hint, "key": key}
    return PydanticCustomError("imagebot", "{message}", context)


def checked(read_text: Callable[[str], R], text: str) -> R:
    """What `read_text` makes of a text; its ImagebotError becomes the key's problem."""
    try:
        return read_text(text)
    except ImagebotError as error:
        raise wrong(str(error), error.hint) from error


def read_duration(text: Any, minimum: timedelta, maximum: timedelta) -> timedelta:
    """Read `90s`, `5m`, `1h30m`, `2d` or `1w`. For validators: raises a PydanticCustomError."""
    length = parse_duration(text) if isinstance(text, str) else None
    if length is None:
        hint = f"write {text}s for seconds" if isinstance(text, int) else ""
        raise wrong(f"found {found_words(text)}, allowed: a time such as 90s, 5m or 1h30m", hint)
    if not minimum <= length <= maximum:
        bounds = f"{shown_duration(minimum)} to {shown_duration(maximum)}"
        raise wrong(f"{text} is out of bounds, allowed: {bounds}")
    return length


def read(file: str, source: bytes, model: type[T]) -> tuple[T | None, tuple[Problem, ...]]:
    """Read a file that holds exactly one document. None when there is any problem."""
    root, problems = parse_one(file, source)
    if root is None:
        return None, problems
    document, found = validate(file, root, model)
    return (None if problems else document), (*problems, *found)


def parse_one(file: str, source: bytes) -> tuple[Node | None, tuple[Problem, ...]]:
    """The tree of a file that holds exactly one document. A tree may have problems, too."""
    if len(source) > yaml_tree.MAX_DOCUMENT_BYTES:
        limit = f"the file is larger than {yaml_tree.MAX_DOCUMENT_BYTES // 1024} KiB"
        return None, (Problem(file, 0, 0, limit),)
    parsed = [yaml_tree.parse(file, chunk) for chunk in yaml_tree.split(source)]
    problems = tuple(problem for _, found in parsed for problem in found)
    roots = [root for root, _ in parsed if root]
    if not roots:
        return None, problems or (Problem(file, 1, 1, "the file is empty"),)
    if len(roots) > 1:
        message = "a second document; only one may stand in this file"
        second = Problem(file, roots[1].line, roots[1].column, message)
        return None, (*problems, second)
    return roots[0], problems


def validate(file: str, root: Node, model: type[T]) -> tuple[T | None, tuple[Problem, ...]]:
    """Check a tree against a schema. None when there is any problem."""
    if not isinstance(root.value, dict):
        message = f"found {found_in(root)}, allowed: a mapping of keys"
        return None, (Problem(file, root.line, root.column, message),)
    try:
        return model.model_validate(root.plain()), ()
    except ValidationError as error:
        details = [each for each in error.errors(include_url=False) if not _is_echo(root, each)]
        problems = [_problem(file, root, model, each) for each in details]
        unique = dict.fromkeys(sorted(problems, key=lambda each: (each.line, each.column)))
        return None, tuple(unique)


def problem_at(
    file: str, root: Node, path: KeyPath, message: str, hint: str = "", *, is_warning: bool = False
) -> Problem:
    """A problem of the value at a key path, or of the nearest place above that exists."""
    line, column = place(root, path)
    return Problem(file, line, column, message, hint, address(path), is_warning)


def place(root: Node, path: KeyPath, *, of_key: bool = False) -> tuple[int, int]:
    """Line and column of a value (or of its key); of what holds it where it is missing."""
    node = root
    at = root.line, root.column
    for index, step in enumerate(path):
        inner = node.get(step)
        if inner is None:
            break
        if of_key and index == len(path) - 1 and isinstance(node.value, dict):
            entry = node.value[str(step)]
            return entry.line, entry.column
        node, at = inner, (inner.line, inner.column)
    return at


def address(path: KeyPath) -> str:
    """`spec.images[0]`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _is_echo(root: Node, detail: ErrorDetails) -> bool:
    """A list with a wrong item is told to be too short as well, since the item did not count."""
    node = _node_at(root, _real_path(root, detail["loc"], False))
    return detail["type"] == "too_short" and node is not None and node.value != ()


def _problem(file: str, root: Node, model: type[DocumentPart], detail: ErrorDetails) -> Problem:
    own_key = str(detail.get("ctx", {}).get("key", ""))
    own_path = [int(step) if step.isdecimal() else step for step in own_key.split(".") if step]
    location = (*detail["loc"], *own_path)
    path = _real_path(root, location, detail["type"] == "missing")
    kind = detail["type"]
    if kind == "extra_forbidden":
        line, column = place(root, path, of_key=True)
        message, hint = _unknown_key(model, path)
        return Problem(file, line, column, message, hint, address(path))
    if kind == "missing":
        line, column = _place_of_missing(root, path[:-1])
        message = f"the key {path[-1]!r} is missing"
        return Problem(file, line, column, message, "", address(path))
    is_secret = any(_SECRET_KEY.search(str(step)) for step in path)
    message, hint = message_of(detail, _node_at(root, path), is_secret)
    return problem_at(file, root, path, message, hint)


def _place_of_missing(root: Node, path: KeyPath) -> tuple[int, int]:
    """The key of the mapping that lacks something: `spec:` rather than its first line below."""
    return place(root, path, of_key=True) if path else (root.line, root.column)


def _real_path(root: Node, location: Sequence[str | int], is_missing: bool) -> KeyPath:
    """The path in the document: pydantic also names the members of unions it tried."""
    path: list[str | int] = []
    node: Node | None = root
    last = location[-1] if is_missing and location else None
    for step in location[:-1] if is_missing else location:
        inner = node.get(step) if node else None
        if inner is not None:
            path.append(step)
            node = inner
    return (*path, last) if last is not None else tuple(path)


def _node_at(root: Node, path: KeyPath) -> Node | None:
    node: Node | None = root
    for step in path:
        node = node.get(step) if node else None
    return node


def _unknown_key(model: type[DocumentPart], path: KeyPath) -> tuple[str, str]:
    key = str(path[-1])
    part = _model_at(model, path[:-1])
    if part is None:
        return f"unknown key {shortened(key)!r}", ""
    if key in part.not_yet:
        return f"{key!r} is not supported yet", part.not_yet[key] or "remove it for now"
    if key in part.refused:
        return f"{key!r} may not be written here", part.refused[key]
    return f"unknown key {shortened(key)!r}", near(key, part.known_keys())


def _model_at(model: type[DocumentPart], path: KeyPath) -> type[DocumentPart] | None:
    current: type[DocumentPart] | None = model
    for step in path:
        if current is None:
            return None
        if isinstance(step, int):
            continue  # the model of a list's items was found at the list
        members = current.model_fields.values()
        annotation = next((each.annotation for each in members if each.alias == step), None)
        current = _model_in(annotation)
    return current


def _model_in(annotation: Any) -> type[DocumentPart] | None:
    """The one schema class in an annotation such as `tuple[Part, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, DocumentPart):
        return annotation
    found = (_model_in(argument) for argument in get_args(annotation))
    return next((each for each in found if each), None)
