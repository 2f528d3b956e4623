"""References put together from what stands in several places: `FROM node:${VERSION}-slim`.

Pure. A value is expanded to fragments that remember the bytes they stand in: the value itself,
a variable's default, `${VERSION:-1.2}`. An update then goes to the one fragment that holds the
tag. Where no fragment alone holds what would have to change, that is told and nothing is edited.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from imagebot.errors import InvalidReference
from imagebot.formats.page import Page
from imagebot.formats.sighting import (
    add,
    alias_lines,
    is_templated,
    place,
    read_reference,
    slot_for,
    value_of,
)
from imagebot.formats.walk import Path, resolved
from imagebot.image import ImageReference
from imagebot.model import Part, Slot, Span, Style
from imagebot.yaml_nodes import Document, Node, Scalar

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_EXPANDED_LENGTH = 2_000  # longer than any reference; defaults of defaults could explode
_MAX_DEPTH = 20
ESCAPED_HINT = "write the value on one line, without escapes"
_DEFAULT_HINT = "write a default beside the variable"
PARTS_HINT = "write the whole tag in one place, or put a marker on the line that holds it"


class Fragment(NamedTuple):
    """A text and the bytes that it stands in, literally."""

    text: str
    start: int  # byte offset in the file
    style: Style = Style.PIECE
    in_flow: bool = False
    depth: int = 0  # 0 for the value itself, 1 for a variable in it, 2 for one in that, ...
    aliases: tuple[int, ...] = ()  # lines that repeat it

    def cut(self, begin: int, end: int) -> "Fragment":
        """A part of it, by characters. A part of a scalar has no quotes of its own."""
        if begin == 0 and end == len(self.text):
            return self
        start = self.start + len(self.text[:begin].encode())
        return self._replace(text=self.text[begin:end], start=start, style=Style.PIECE)

    def below(self) -> "Fragment":
        """As it counts for the value that names the variable which it stands in."""
        return self._replace(depth=self.depth + 1)

    def slot(self, part: Part, before: str = "", after: str = "") -> Slot:
        written = self.text.encode()
        span = Span(self.start, self.start + len(written), written)
        return Slot(part, span, self.style, self.text, self.in_flow, before, after)


Fragments = tuple[Fragment, ...]
Variables = Mapping[str, Fragments]
Expand = Callable[[Fragment], Fragments]


class NotWritten(Exception):
    """A variable has no value in the file, or not one. The message says which."""

    def __init__(self, message: str, hint: str = _DEFAULT_HINT) -> None:
        super().__init__(message)
        self.hint = hint


def expand_shell(fragment: Fragment, variables: Variables, depth: int = 0) -> Fragments:
    """Expand `$V`, `${V}`, `${V:-default}` and `$$` as Compose, Docker and GitLab do.

    Raises NotWritten for a variable without value and default, and for what none of them means.
    """
    if depth > _MAX_DEPTH:
        raise NotWritten("a default of a default of a default ... holds the image")
    fragments: list[Fragment] = []
    text, done = fragment.text, 0
    while (at := text.find("$", done)) >= 0:
        fragments.append(fragment.cut(done, at))
        if text.startswith("$$", at):
            raise NotWritten("an image holds $$, an escaped dollar sign")
        braced = text.startswith("{", at + 1)
        named = _NAME.match(text, at + 1 + braced)
        if named is None:
            raise NotWritten("an image is templated, so its value is not in this file")
        done = named.end()
        default: Fragment | None = None
        if braced:
            close = _closing_brace(text, done)
            operator = re.match(r":?-", text[done:close])
            if operator is not None:
                default = fragment.cut(done + operator.end(), close)
            elif close != done:
                raise NotWritten(f"{text[at : close + 1][:60]} is not edited")
            done = close + 1
        known = variables.get(named[0], ())
        if not any(each.text for each in known) and default is None:
            raise NotWritten(f"the variable {named[0][:60]} of an image has no value in this file")
        if any(each.text for each in known):
            fragments += (each.below() for each in known)
        elif default is not None:
            fragments += (each.below() for each in expand_shell(default, variables, depth + 1))
    fragments.append(fragment.cut(done, len(text)))
    return _bounded(fragments)


def _closing_brace(text: str, begin: int) -> int:
    depth = 1
    for index in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return index
    raise NotWritten("a brace of a variable is not closed")


def expand_names(fragment: Fragment, pattern: re.Pattern[str], variables: Variables) -> Fragments:
    """Expand what a pattern finds; its group `name` is looked up. Raises NotWritten."""
    fragments: list[Fragment] = []
    done = 0
    for found in pattern.finditer(fragment.text):
        fragments.append(fragment.cut(done, found.start()))
        known = variables.get(found["name"])
        if not known:
            message = f"{found[0][:60]} has no value in this document, so it is not edited"
            raise NotWritten(message)
        fragments += (each.below() for each in known)
        done = found.end()
    fragments.append(fragment.cut(done, len(fragment.text)))
    return _bounded(fragments)


def _bounded(fragments: list[Fragment]) -> Fragments:
    kept = tuple(fragment for fragment in fragments if fragment.text)
    if sum(len(fragment.text) for fragment in kept) > _MAX_EXPANDED_LENGTH:
        raise NotWritten("an image is far too long once its variables are filled in")
    return kept


def fragment_of(
    page: Page, document: Document, scalar: Scalar, anchored: tuple[int, ...] = ()
) -> Fragment | None:
    """A scalar as a fragment, None where its bytes are not literally its value.

    `anchored` are the starts of the anchored collections around it.
    """
    slot = slot_for(page, document, scalar, Part.REFERENCE)
    if not isinstance(slot, Slot):
        return None
    starts = (*anchored, scalar.start) if scalar.anchor else anchored
    aliases = alias_lines(page, document, starts)
    return Fragment(slot.text, slot.span.start, slot.style, slot.in_flow, aliases=aliases)


def as_variable(
    page: Page, document: Document, node: Node | None, anchored: tuple[int, ...] = ()
) -> Fragments:
    """The value that a node gives to a variable; empty where it gives none that can be edited."""
    scalar = resolved(node) if node is not None else None
    if not isinstance(scalar, Scalar) or not value_of(scalar) or is_templated(scalar.text):
        return ()
    fragment = fragment_of(page, document, scalar, anchored)
    return (fragment,) if fragment else ()


def find_at(
    page: Page,
    document: Document,
    format_name: str,
    node: Node | None,
    path: Path,
    expand: Expand | None = None,
    anchored: tuple[int, ...] = (),
) -> None:
    """Record the image of a value where nothing but an image can stand, or say why not."""
    scalar = resolved(node) if node is not None else None
    if not isinstance(scalar, Scalar) or not value_of(scalar):
        return
    offset, address = document.byte_offset(scalar.start), str(path)
    text = value_of(scalar)
    if not is_templated(text):
        reference = _parsed(page, text, offset, address)
        if reference is not None:
            version = (reference.tag, reference.digest)
            parts = {Part.REFERENCE: scalar}
            add(page, document, path, format_name, parts, reference, version, anchored)
        return
    fragment = fragment_of(page, document, scalar, anchored)
    try:
        if expand is None:
            raise NotWritten("an image is templated, so its value is not in this file", hint="")
        if fragment is None:
            raise NotWritten("an image is written with escapes or over several lines", ESCAPED_HINT)
        fragments = expand(fragment)
    except NotWritten as reason:
        page.report(offset, str(reason), hint=reason.hint, address=address)
        return
    record(page, address, format_name, fragments, offset)


def record(
    page: Page,
    address: str,
    format_name: str,
    fragments: Fragments,
    offset: int,
) -> None:
    """Record the image that fragments make together. `offset` is where problems are told."""
    text = "".join(fragment.text for fragment in fragments)
    if is_templated(text):
        page.report(
            offset, "an image is templated, so its value is not in this file", address=address
        )
        return
    reference = _parsed(page, text, offset, address)
    if reference is None:
        return
    slots = _slots(fragments, reference)
    if not slots:
        is_bare = reference.tag is None and reference.digest is None
        what = "no tag is written in" if is_bare else "several places make the version of"
        message = f"{what} {text[:80]!r}, so it is not edited"
        page.report(offset, message, hint="" if is_bare else PARTS_HINT, address=address)
        return
    if page.is_new(reference, slots):
        version = (reference.tag, reference.digest)
        aliases = tuple(sorted({line for fragment in fragments for line in fragment.aliases}))
        place(page, address, format_name, slots, reference, version, aliases)


def _parsed(page: Page, text: str, offset: int, address: str) -> ImageReference | None:
    try:
        return read_reference(text)
    except InvalidReference as error:
        page.report(offset, str(error), hint=error.hint, address=address)
        return None


def _slots(fragments: Fragments, reference: ImageReference) -> tuple[Slot, ...]:
    """Where name, tag and digest stand; empty where the version cannot be changed there."""
    text = reference.written
    if len(fragments) == 1:
        return (fragments[0].slot(Part.REFERENCE),)
    name_end = len(reference.name)
    if reference.tag is None:
        if reference.digest is None:
            return ()
        digest = _held(fragments, name_end + 1, len(text), Part.DIGEST)
        return (*_named(fragments, name_end), digest) if digest else ()
    tag_start = name_end + 1
    tag_end = tag_start + len(reference.tag)
    whole = _held(fragments, tag_start, len(text), Part.TAG)  # tag@digest, as one value
    if whole is not None and not (whole.before or whole.after):
        return (*_named(fragments, name_end), whole)
    tag = _held(fragments, tag_start, tag_end, Part.TAG)
    if tag is None or reference.digest is None:
        return (*_named(fragments, name_end), tag) if tag else ()
    digest = _held(fragments, tag_end + 1, len(text), Part.DIGEST)
    return (*_named(fragments, name_end), tag, digest) if digest else ()


def _named(fragments: Fragments, end: int) -> tuple[Slot, ...]:
    name = _held(fragments, 0, end, Part.NAME)
    return (name,) if name and not (name.before or name.after) else ()


def _held(fragments: Fragments, begin: int, end: int, part: Part) -> Slot | None:
    """The slot for a range of the text: in one fragment, or in the innermost of several."""
    inside: list[Fragment] = []
    at = 0
    for fragment in fragments:
        low, high = max(begin, at), min(end, at + len(fragment.text))
        if low < high:
            inside.append(fragment.cut(low - at, high - at))
        at += len(fragment.text)
    if len(inside) == 1:
        return inside[0].slot(part)
    innermost = max((fragment.depth for fragment in inside), default=0)
    places = [index for index, fragment in enumerate(inside) if fragment.depth == innermost]
    if len(places) != 1:
        return None
    (index,) = places
    before = "".join(fragment.text for fragment in inside[:index])
    after = "".join(fragment.text for fragment in inside[index + 1 :])
    part = Part.TAG_ALONE if part is Part.TAG else part  # nothing can be joined behind it
    return inside[index].slot(part, before, after)
