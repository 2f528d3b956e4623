"""Markers in documents that no parser can read: `key: value  # imagebot: NAME`, line by line.

Pure. Nothing but the value on the marker's own line is touched.
"""

import re

from imagebot.errors import InvalidReference
from imagebot.formats.marked import Reading, read_marked
from imagebot.formats.marker_text import is_prose, read_comment
from imagebot.formats.page import Page
from imagebot.model import Marker, Occurrence, Slot, Span, Style

_RAW_LINE = re.compile(
    rb"""[ \t]*(?:-[ \t]+)*
    (?:(?P<key>"[^"\\{}\r\n]*"|'[^'{}\r\n]*'|[^\s"'#{}:]+)[ \t]*:[ \t]+)?
    (?:"(?P<double>[^"\\{}\r\n]*)"|'(?P<single>[^'{}\r\n]*)'
      |(?P<plain>(?:--?[A-Za-z]|[^\s"'#{}\[\],&*!|>%@`-])[^\s"'#{}]*))
    [ \t]+\#""",
    re.X,
)


def read_raw_line(page: Page, format_name: str, line: int, begin: int, end: int) -> None:
    """Read `key: value  # imagebot: NAME` where no parser can help."""
    text = page.source[begin:end]
    found = _RAW_LINE.match(text)
    comment = text[found.end() - 1 :] if found else text
    marker = read_comment(comment.decode(errors="replace"))
    if marker is None or page.is_full:
        return
    is_remark = text.lstrip().startswith(b"#")
    if marker.fault or found is None:
        message = marker.fault or (
            "a marker in a document that is no YAML names no plain value on its line"
        )
        comment_text = text.decode(errors="replace").lstrip()
        is_warning = is_prose(marker, comment_text, is_remark=is_remark)
        is_warning = is_warning or (is_remark and not marker.fault)
        page.report(begin, message, hint=marker.hint, is_warning=is_warning)
        return
    kind = str(found.lastgroup)
    start, stop = begin + found.start(kind), begin + found.end(kind)
    key = (found["key"] or b"").decode(errors="replace").strip("\"'")
    value = page.source[start:stop].decode(errors="replace")
    try:
        reading = read_marked(marker, key, value)
    except InvalidReference as error:
        page.report(start, str(error), hint=error.hint, address=key, is_warning=marker.is_sentence)
        return
    slot = _raw_slot(reading, start, value)
    page.occurrences.append(
        Occurrence(
            file=page.file,
            line=line,
            column=page.lines.column(slot.span.start),
            address=key,
            format=format_name,
            slots=(slot,),
            reference=reading.reference,
            tag=reading.tag,
            digest=reading.digest,
            marker=Marker(marker.policy, marker.part, line, marker.is_sentence),
        )
    )


def _raw_slot(reading: Reading, start: int, value: str) -> Slot:
    said = value[reading.start : reading.end] if reading.end else value
    at = start + len(value[: reading.start].encode())
    written = said.encode()
    style = Style.RAW if said == value else Style.PIECE
    return Slot(reading.part, Span(at, at + len(written), written), style, said)
