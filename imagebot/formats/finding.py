"""Find where images are written in a file, by the formats of the table.

Pure: bytes in, occurrences and problems out, and no bytes make it raise. A file is split into
documents, most of which a look at their bytes rules out; each of the others is read by the first
format in the table that claims it (a List of
several by each), then markers are laid over what was found. A document
that cannot be read is reported, and its neighbours are read all the same.
"""

from collections.abc import Iterable

from imagebot.formats import embedded, marked_lines, markers, mixed
from imagebot.formats.files import Reader, reader_of
from imagebot.formats.joining import join_digests
from imagebot.formats.page import ASKS_FOR_MARKER, Page
from imagebot.formats.prefilter import has_marker, ignored_lines, is_ignored, may_hold_image
from imagebot.formats.table import (
    DOCUMENT_FORMATS,
    EMBEDDING,
    FILE_FORMATS,
    JSON,
    LINES,
    OBJECT_FORMATS,
    OVERLAYS,
    DocumentFormat,
    names,
)
from imagebot.formats.walk import top_level
from imagebot.model import MAX_CONTENT_BYTES, Found, Problem
from imagebot.yaml_nodes import Broken, Document, Section
from imagebot.yaml_places import Lines
from imagebot.yaml_spans import MAX_DOCUMENTS, MAX_FILE_BYTES, MAX_NODES, read, sections

_BY_MARKER = (markers.NAME, marked_lines.NAME)
_POLICY_DOCUMENTS = "imagebot.dev/"
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
NOTHING = Found()
_UNREADABLE_HINT = (
    "only values under a marker on their line (# imagebot: NAME) are edited in such a document"
)


def find(file: str, source: bytes) -> Found:
    """All occurrences and problems of one file; empty for one that is not looked at."""
    reader = reader_of(file)
    whole = Section(0, len(source))
    if reader is None or (reader is Reader.TEXT and not _is_marked_text(source)):
        return NOTHING
    if source.startswith(_LFS_POINTER):
        return Found((), (_unfetched(file),) if reader is not Reader.TEXT else ())
    is_rare = reader in (Reader.JSON, Reader.TEMPLATE)
    if is_rare and not may_hold_image(source, whole) and not names(file):
        return NOTHING
    if is_ignored(source):
        return Found(is_ignored=True)
    page = Page(file, source, Lines(source))
    if not is_readable(page):
        return Found((), tuple(page.problems))
    if reader is not Reader.YAML:
        if reader is Reader.JSON:
            _read_json(page)
        elif reader in FILE_FORMATS:
            FILE_FORMATS[reader].read(page)
        if has_marker(source, whole):
            LINES.read(page)
        return _found(page)
    parts: list[Section] = []
    for section in sections(source):
        parts.append(section)
        if len(parts) > MAX_DOCUMENTS:
            page.report(section.start, f"more than {MAX_DOCUMENTS:,} documents, so none is read")
            return Found((), tuple(page.problems))
    nodes_left = MAX_NODES
    is_named = bool(names(file))
    for section in parts:
        if is_named or may_hold_image(source, section):
            nodes_left = _read_section(page, section, nodes_left)
    return _found(page)


def _found(page: Page) -> Found:
    if page.is_full:
        return Found((), (page.too_many(),))
    join_digests(page)
    _leave_out_ignored(page)
    _leave_out_answered(page)
    if not any((page.occurrences, page.problems, page.chart_sources, page.kustomizations)):
        return NOTHING
    page.occurrences.sort(key=lambda occurrence: occurrence.slots[0].span.start)
    page.problems.sort(key=lambda problem: (problem.line, problem.column))
    return Found(
        tuple(page.occurrences),
        tuple(page.problems),
        tuple(page.chart_sources),
        tuple(page.kustomizations),
    )


def _unfetched(file: str) -> Problem:
    message = "a Git LFS pointer stands in place of the file, so it is not read"
    hint = "keep manifests in git itself (git lfs migrate export)"
    return Problem(file, 1, 1, message, hint, is_warning=True)


def _leave_out_ignored(page: Page) -> None:
    """Take out what only a marker that says `ignore` would name, and what is told of its line."""
    lines = ignored_lines(page.source)
    if lines:
        page.problems = [problem for problem in page.problems if problem.line not in lines]
        page.occurrences = [
            occurrence
            for occurrence in page.occurrences
            if not (occurrence.is_ignored and occurrence.format in _BY_MARKER)
        ]


def _leave_out_answered(page: Page) -> None:
    """Take out what asks for a marker, where a marker has decided."""
    asking = [each for each in page.problems if ASKS_FOR_MARKER.search(each.hint)]
    if asking:
        marked = (item for item in page.occurrences if item.marker)
        lines = {page.lines.number(slot.span.start) for item in marked for slot in item.slots}
        answered = {id(each) for each in asking if each.line in lines and each.is_warning}
        page.problems = [each for each in page.problems if id(each) not in answered]


def is_readable(page: Page) -> bool:
    """Whether a file may be parsed; why not is told on the page."""
    source = page.source
    if len(source) > MAX_FILE_BYTES:
        is_cut = len(source) > MAX_CONTENT_BYTES
        size = f"more than {MAX_CONTENT_BYTES:,}" if is_cut else f"{len(source):,}"
        page.report(0, f"{size} bytes; files above {MAX_FILE_BYTES:,} are not read")
    elif source.startswith((b"\xff\xfe", b"\xfe\xff")):
        page.report(0, "the file is UTF-16, not UTF-8", hint="save it as UTF-8")
    elif b"\0" in source:
        page.report(source.index(b"\0"), "the file holds a NUL byte, so it is no text in UTF-8")
    return not page.problems


def _is_marked_text(source: bytes) -> bool:
    """Also one that is too long to tell: it is reported, since a marker may stand in it."""
    if b"\0" in source:
        return False
    return len(source) > MAX_FILE_BYTES or has_marker(source, Section(0, len(source)))


def _read_json(page: Page) -> None:
    """Read a JSON file by the formats of the table, which see the same trees as in YAML."""
    page.is_json = True
    whole = Section(0, len(page.source))
    reading = JSON.read(page.source)
    _read_documents(page, whole, reading.documents, MAX_NODES - reading.node_count)
    page.embedded.clear()
    if reading.broken is not None:
        report_broken(page, whole, reading.broken)


def _read_section(page: Page, section: Section, nodes_left: int) -> int:
    """Read the documents of a section; gives back how many nodes the file may still have."""
    reading = read(page.source, section, nodes_left)
    documents = [document for document in reading.documents if not is_policy(document)]
    nodes_left = _read_documents(page, section, documents, nodes_left - reading.node_count)
    is_all_policy = bool(reading.documents) and not documents
    if not is_all_policy and has_marker(page.source, section):
        for overlay in OVERLAYS:
            overlay.read(page, section, reading)
    page.embedded.clear()
    if reading.broken is not None:
        report_broken(page, section, reading.broken, _UNREADABLE_HINT)
    return nodes_left


def _read_documents(
    page: Page, section: Section, documents: Iterable[Document], nodes_left: int
) -> int:
    """Read documents and the texts inside them; gives back how many nodes these may still have."""
    has_blocks = embedded.may_hold_blocks(page.source, section)
    for document in documents:
        _read_document(page, document)
        if has_blocks and not _is_schema(document) and not is_policy(document):
            nodes_left -= EMBEDDING.read(page, document, _read_document, nodes_left)
    return nodes_left


def report_broken(page: Page, section: Section, broken: Broken, hint: str = "") -> None:
    """Tell where and why the rest of a section could not be read."""
    if page.is_json:
        kind = "cannot be read as JSON"
    elif page.source.find(b"{{", *section) >= 0:
        kind = "a template, not YAML"
    else:
        kind = "cannot be read as YAML"
    page.report(broken.offset, f"{kind}: {broken.cause}", hint=hint)


def is_policy(document: Document) -> bool:
    return top_level(document, "apiVersion").startswith(_POLICY_DOCUMENTS)


def _is_schema(document: Document) -> bool:
    return top_level(document, "kind") == "CustomResourceDefinition"


def _read_document(page: Page, document: Document) -> None:
    if _is_schema(document) or is_policy(document):
        return
    for part in mixed.split(document, lambda each: _name_of_objects(page, each)):
        entry = _claiming(page, part, DOCUMENT_FORMATS)
        if entry is not None:
            entry.read(page, part)


def _claiming(
    page: Page, document: Document, entries: Iterable[DocumentFormat]
) -> DocumentFormat | None:
    return next((entry for entry in entries if entry.claims(page, document)), None)


def _name_of_objects(page: Page, item: Document) -> str:
    """What an object in a List belongs to, "" where it is Kubernetes' own or nobody's."""
    entry = _claiming(page, item, OBJECT_FORMATS)
    return entry.name if entry else ""
