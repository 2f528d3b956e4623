"""Markers in files that are not YAML: the value on a marker's line, or on the line below it.

Pure. `# imagebot: NAME`, `// imagebot: NAME`, `<!-- imagebot: NAME -->` and Flux's JSON form, in
comments of scripts, templates, Terraform, Markdown and so on. A value ends at blanks and quotes.
Where a format has found an image on the line, the marker is laid over that one.
"""

import re
from typing import NamedTuple

from imagebot.errors import InvalidReference
from imagebot.formats.marked import read_marked
from imagebot.formats.marker_text import OPENING, MarkerText, is_prose, read_comment
from imagebot.formats.markers import lay
from imagebot.formats.near_lines import digest_beside
from imagebot.formats.page import Page
from imagebot.formats.prefilter import marker_offsets
from imagebot.formats.sighting import place, read_reference
from imagebot.model import Marker, Occurrence, Part, Slot, Span, Style
from imagebot.yaml_nodes import Section

NAME = "marked-line"
_MARKUP = (".md", ".markdown", ".html", ".htm", ".xml", ".xhtml")
_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_ASSIGNED = re.compile(
    r"(?:[A-Za-z]+[ \t]+)*(?P<key>[\w.$/\"'-]+)[ \t]*(?:[:?+]?=|:[ \t])[ \t]*(?P<value>\S.*)"
)
_LINE_HINT = "put the marker on the line of the value, or on a line of its own above it"
_IN_CAPITALS = re.compile("imagebot:", re.IGNORECASE)
_DIGEST_HINT = "put a marker on the digest, too: of the same policy, or # imagebot: ignore"
_MAX_LINE_BYTES = 10_000  # nobody writes a marker into a longer one


_MAX_MARKERS = 10_001  # in one file; one more than the images that one may hold
_MAX_REMARKS = 20  # between a marker on a line of its own and what it means

_Known = dict[int, list[tuple[int, Slot]]]  # index of an occurrence and its slot, by line


class _Value(NamedTuple):
    """A text on a line; `start` counts characters of the line."""

    key: str
    text: str
    start: int


def read(page: Page) -> None:
    """Lay the markers of a whole file, which is no YAML, over the occurrences found in it."""
    section = Section(0, len(page.source))
    known: _Known = {}
    for index, occurrence in enumerate(page.occurrences):
        _note(page, known, index, occurrence)
    numbers = {page.lines.number(at) for at in marker_offsets(page.source, section)}
    for number in sorted(numbers)[:_MAX_MARKERS]:
        begin, end = page.lines.bounds(number)
        if end - begin > _MAX_LINE_BYTES:
            size = f"{end - begin:,} bytes in one line that names imagebot"
            page.report(begin, f"{size}; above {_MAX_LINE_BYTES:,} no marker is read")
            continue
        line = _text(page, begin, end)
        at = _comment_start(page.file, line)
        marker = read_comment(line[at:]) if at >= 0 else None
        if marker is None:
            continue
        is_above = not line[:at].strip()
        if marker.fault:
            is_warning = is_prose(marker, line[at:], is_remark=is_above)
            page.report(begin + at, marker.fault, hint=marker.hint, is_warning=is_warning)
        elif is_above:
            _read_below(page, known, marker, number)
        else:
            _read_value(page, known, marker, number, begin, line[:at])


def _note(page: Page, known: _Known, index: int, occurrence: Occurrence) -> None:
    for slot in occurrence.slots:
        if slot.part.holds_tag or slot.part is Part.DIGEST:
            line = page.lines.number(slot.span.start)
            known.setdefault(line, []).append((index, slot))


def _text(page: Page, begin: int, end: int) -> str:
    """A line; a byte that is not UTF-8 counts as one character and goes back as itself."""
    return page.source[begin:end].decode(errors="surrogateescape").rstrip("\r\n")


def _comment_start(file: str, line: str) -> int:
    """Where the comment begins that holds the marker, -1 where there is none."""
    limit = max(line.find("imagebot:"), line.find("$imagepolicy"))
    if limit < 0 and (capitals := _IN_CAPITALS.search(line)):
        limit = capitals.start()
    openings = [found for found in OPENING.finditer(line) if found.start() < limit]
    if file.endswith(_MARKUP):
        openings = [found for found in openings if found[0] == "<!--"]
    return openings[-1].start() if openings else -1


def _read_below(page: Page, known: _Known, marker: MarkerText, number: int) -> None:
    """A marker on a line of its own means the next line that is neither blank nor a comment."""
    for below in range(number + 1, min(page.lines.count, number + _MAX_REMARKS) + 1):
        begin, end = page.lines.bounds(below)
        line = _text(page, begin, min(end, begin + _MAX_LINE_BYTES))
        opening = OPENING.match(line.lstrip())
        if line.strip() and opening is None:
            _read_value(page, known, marker, number, begin, line)
            return
        if not line.strip():
            break
    begin = page.lines.bounds(number)[0]
    page.report(
        begin, "a marker stands above no value", hint=_LINE_HINT, is_warning=marker.is_sentence
    )


def _read_value(
    page: Page, known: _Known, marker: MarkerText, number: int, begin: int, line: str
) -> None:
    """Put what a line holds, up to the comment, under the marker's policy."""
    noted = Marker(marker.policy, marker.part, number, marker.is_sentence)
    owners = [
        (index, slot)
        for index, slot in known.get(page.lines.number(begin), ())
        if marker.part in (Part.REFERENCE, slot.part)
    ]
    try:
        if len({slot.span for _, slot in owners}) > 1 and len({at for at, _ in owners}) > 1:
            raise InvalidReference(
                "a marker stands on a line with several images, so it names none", hint=_LINE_HINT
            )
        if owners:
            lay(page, sorted({index for index, _ in owners}), noted)
            return
        value = _value(line, marker)
        reading = read_marked(marker, value.key, value.text)
    except InvalidReference as error:
        page.report(begin, str(error), hint=error.hint, is_warning=marker.is_sentence)
        return
    said = value.text[reading.start : reading.end] if reading.end else value.text
    if not said:
        message = "a marker stands on a line without a value"
        page.report(begin, message, hint=_LINE_HINT, is_warning=marker.is_sentence)
        return
    key = digest_beside(page, page.lines.number(begin), value.key)
    if key is not None:
        message = f"a marked value cannot be updated: a digest stands beside it in `{key[:60]}`"
        image = str(reading.reference.repository) if reading.reference else ""
        page.report(begin, message, hint=_DIGEST_HINT, is_warning=marker.is_sentence, image=image)
        return
    before = line[: value.start + reading.start]
    start = begin + len(before.encode(errors="surrogateescape"))
    slot = Slot(reading.part, Span(start, start + len(said), said.encode()), Style.PIECE, said)
    if page.is_new(reading.reference, (slot,)):
        version = (reading.tag, reading.digest)
        place(page, value.key, NAME, (slot,), reading.reference, version)
        index = len(page.occurrences) - 1
        _note(page, known, index, page.occurrences[index])
        lay(page, (index,), noted)


def _value(line: str, marker: MarkerText) -> _Value:
    """What of a line the marker means: its one quoted text, what is assigned, or its words."""
    assigned = _ASSIGNED.match(line.strip())
    indent = len(line) - len(line.lstrip())
    key = assigned["key"].strip("\"'") if assigned else ""
    begin = indent + assigned.start("value") if assigned else indent
    quoted = [found for found in _QUOTED.finditer(line) if found.start() >= begin]
    if len(quoted) == 1 and not _is_around(line, quoted[0]):
        found = quoted[0]
        value = _Value(key, found[1] or found[2] or "", found.start() + 1)
        if assigned or marker.part is not Part.REFERENCE or _is_image(value.text):
            return value
    start = begin
    text = line[start:].rstrip().rstrip("\\,;").rstrip()
    if not assigned and marker.part is not Part.REFERENCE:
        start += len(text) - len(text.split()[-1]) if text.split() else 0
        text = line[start:].rstrip().rstrip("\\,;").rstrip()
    return _Value(key, text, start)


def _is_image(text: str) -> bool:
    try:
        reference = read_reference(text)
    except InvalidReference:
        return False
    return bool(reference.tag or reference.digest)


def _is_around(line: str, quoted: re.Match[str]) -> bool:
    """Whether a quoted text is only a piece of a longer word: `--env="A=1"`."""
    return quoted.end() < len(line) and line[quoted.end()] not in " \t,;)]}\\"
