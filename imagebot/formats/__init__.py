"""Find where images are written in a file: the table of formats, and the one way in.

Pure: bytes in, occurrences and problems out, and no bytes make it raise. A file is split into
documents, most of which a look at their bytes rules out; each of the others is read by the first
format in the table that claims it, then markers are laid over what was found. A document
that cannot be read is reported, and its neighbours are read all the same.
"""

import gc
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from itertools import islice
from threading import Lock
from types import MappingProxyType

from imagebot.formats import (
    argocd,
    cache,
    compose,
    devcontainer,
    dockerfile,
    embedded,
    fields,
    flux,
    github_actions,
    gitlab_ci,
    helm_chart,
    helm_values,
    json_patch,
    json_tree,
    kubernetes,
    kustomize,
    marked_lines,
    markers,
)
from imagebot.formats.fields import Laid as Laid
from imagebot.formats.files import Reader, reader_of
from imagebot.formats.prefilter import has_marker, ignored_lines, is_ignored, may_hold_image
from imagebot.formats.sighting import MAX_OCCURRENCES, Page
from imagebot.formats.walk import top_level
from imagebot.model import Found, Problem
from imagebot.policy.fielding import FieldRule, FieldRules
from imagebot.policy.model import Policy
from imagebot.yaml_spans import (
    MAX_DOCUMENTS,
    MAX_FILE_BYTES,
    MAX_NODES,
    Document,
    Lines,
    Reading,
    Section,
    read,
    sections,
)

EXTRACTOR_VERSION = "3"  # raise it with every change of what `find` gives for the same bytes


@dataclass(frozen=True, slots=True)
class DocumentFormat:
    """One way of writing image references in a document."""

    name: str
    claims: Callable[[Page, Document], bool]
    read: Callable[[Page, Document], None]
    is_named_so: Callable[[str], bool] | None = None  # where `claims` looks at the file's path


@dataclass(frozen=True, slots=True)
class FileFormat:
    """One way of writing image references in a file that is not made of YAML documents."""

    name: str
    read: Callable[[Page], None]


@dataclass(frozen=True, slots=True)
class Embedding:
    """Documents in the text of another's values, which the formats of the table read."""

    name: str
    read: Callable[[Page, Document, embedded.ReadDocument, int], int]


@dataclass(frozen=True, slots=True)
class Syntax:
    """Another way of writing documents, which the formats of the table read as they read YAML."""

    name: str
    read: Callable[[bytes], Reading]


@dataclass(frozen=True, slots=True)
class Overlay:
    """What stands in documents of every format, also in those that cannot be read."""

    name: str
    read: Callable[[Page, Section, Reading], None]


DOCUMENT_FORMATS = (  # the first that claims a document reads it
    DocumentFormat(compose.NAME, compose.claims, compose.read, compose.is_named_so),
    DocumentFormat(gitlab_ci.NAME, gitlab_ci.claims, gitlab_ci.read, gitlab_ci.is_named_so),
    DocumentFormat(
        github_actions.NAME,
        github_actions.claims,
        github_actions.read,
        github_actions.is_named_so,
    ),
    DocumentFormat(helm_chart.NAME, helm_chart.claims, helm_chart.read, helm_chart.is_named_so),
    DocumentFormat(argocd.NAME, argocd.claims, argocd.read, argocd.is_named_so),
    DocumentFormat(flux.NAME, flux.claims, flux.read),
    DocumentFormat(
        devcontainer.NAME, devcontainer.claims, devcontainer.read, devcontainer.is_named_so
    ),
    DocumentFormat(kustomize.NAME, kustomize.claims, kustomize.read, kustomize.is_named_so),
    DocumentFormat(json_patch.NAME, json_patch.claims, json_patch.read),
    DocumentFormat(kubernetes.NAME, kubernetes.claims, kubernetes.read),
    DocumentFormat(helm_values.NAME, helm_values.claims, helm_values.read),
)
OVERLAYS = (Overlay(markers.NAME, markers.read),)
JSON = Syntax(json_tree.NAME, json_tree.read)
LINES = FileFormat(marked_lines.NAME, marked_lines.read)  # over every file that is not YAML
EMBEDDING = Embedding(embedded.NAME, embedded.read)
FILE_FORMATS: Mapping[Reader, FileFormat] = MappingProxyType(
    {Reader.DOCKERFILE: FileFormat(dockerfile.NAME, dockerfile.read)}
)
_TABLE: tuple[DocumentFormat | FileFormat | Embedding | Syntax | Overlay, ...] = (
    *DOCUMENT_FORMATS,
    EMBEDDING,
    *FILE_FORMATS.values(),
    JSON,
    LINES,
    *OVERLAYS,
)
FORMATS = MappingProxyType({entry.name: entry for entry in _TABLE})
_NAMED_FORMATS = tuple(
    (entry.name, entry.is_named_so) for entry in DOCUMENT_FORMATS if entry.is_named_so
)
_BY_MARKER = (markers.NAME, marked_lines.NAME)
_POLICY_DOCUMENTS = "imagebot.dev/"
_UNREADABLE_HINT = (
    "only values under a marker on their line (# imagebot: NAME) are edited in such a document"
)


def is_candidate_path(path: str) -> bool:
    """Whether a file of this name is looked at."""
    return reader_of(path) is not None


def is_yaml_path(path: str) -> bool:
    """Whether a file is YAML by its name, so that policies may stand in it."""
    return reader_of(path) is Reader.YAML


def is_read_for_markers(path: str) -> bool:
    """Whether nothing but a marker makes a line of this file count."""
    return reader_of(path) is Reader.TEXT


def find(file: str, source: bytes) -> Found:
    """All occurrences and problems of one file; empty for one that is not looked at."""
    reader = reader_of(file)
    whole = Section(0, len(source))
    if reader is None or (reader is Reader.TEXT and not _is_marked_text(source)):
        return _NOTHING
    if reader is Reader.JSON and not may_hold_image(source, whole) and not _names(file):
        return _NOTHING
    if is_ignored(source):
        return Found(is_ignored=True)
    page = Page(file, source, Lines(source))
    if not _is_readable(page):
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
    is_named = bool(_names(file))
    for section in parts:
        if is_named or may_hold_image(source, section):
            nodes_left = _read_section(page, section, nodes_left)
    return _found(page)


def _found(page: Page) -> Found:
    if page.is_full:
        message = f"more than {MAX_OCCURRENCES:,} images in one file, so none is used"
        return Found((), (Problem(page.file, 1, 1, message, is_warning=True),))
    _leave_out_ignored(page)
    if not page.occurrences and not page.problems and not page.chart_sources:
        return _NOTHING
    page.occurrences.sort(key=lambda occurrence: occurrence.slots[0].span.start)
    page.problems.sort(key=lambda problem: (problem.line, problem.column))
    return Found(tuple(page.occurrences), tuple(page.problems), tuple(page.chart_sources))


_NOTHING = Found()


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


def _is_readable(page: Page) -> bool:
    source = page.source
    if len(source) > MAX_FILE_BYTES:
        page.report(0, f"{len(source):,} bytes; files above {MAX_FILE_BYTES:,} are not read")
    elif source.startswith((b"\xff\xfe", b"\xfe\xff")):
        page.report(0, "the file is UTF-16, not UTF-8", hint="save it as UTF-8")
    elif b"\0" in source:
        page.report(source.index(b"\0"), "the file holds a NUL byte, so it is no text in UTF-8")
    return not page.problems


def find_with_fields(file: str, source: bytes, rules: Sequence[FieldRule]) -> Laid:
    """What `find` gives, with the fields of policies laid over it."""
    found = find(file, source)
    reader = reader_of(file)
    is_read = can_hold_fields(file) and len(source) <= MAX_FILE_BYTES
    possible = [rule for rule in rules if fields.may_match(source, rule)]
    if found.is_ignored or not is_read or not possible:
        return Laid(found, frozenset())
    page = Page(file, source, Lines(source), is_json=reader is Reader.JSON)
    if page.is_json:
        documents = list(JSON.read(source).documents)
    else:
        documents, nodes_left = [], MAX_NODES
        for section in islice(sections(source), MAX_DOCUMENTS):
            reading = read(source, section, nodes_left)
            nodes_left -= reading.node_count
            documents += (each for each in reading.documents if not _is_policy(each))
    return fields.lay(page, documents, found, possible)


def can_hold_fields(path: str) -> bool:
    return reader_of(path) in (Reader.YAML, Reader.JSON)


def rules_key(rules: Sequence[FieldRule]) -> str:
    """What the rules say, as a short text that changes when they do."""
    said = [(rule.policy.identity, rule.number, astuple(rule.field)) for rule in rules]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


def dump_laid(laid: Laid, rules: Sequence[FieldRule]) -> bytes:
    """What the cache keeps of a file under these rules, in this order."""
    matched = [number for number, rule in enumerate(rules) if rule in laid.matched]
    return json.dumps(matched).encode() + b"\n" + cache.dump(laid.found)


def load_laid(file: str, payload: bytes, rules: Sequence[FieldRule]) -> Laid:
    """Undo `dump_laid`."""
    matched, _, found = payload.partition(b"\n")
    return Laid(cache.load(file, found), frozenset(rules[number] for number in json.loads(matched)))


def finder(policies: Iterable[Policy]) -> Callable[[str, bytes], Found]:
    """`find`, with the fields of these policies laid over what it gives."""
    rules = FieldRules(policies)

    def find_there(file: str, source: bytes) -> Found:
        return find_with_fields(file, source, rules.of(file)).found

    return find_there if rules.policies else find


def _is_marked_text(source: bytes) -> bool:
    """Also one that is too long to tell: it is reported, since a marker may stand in it."""
    if b"\0" in source:
        return False
    return len(source) > MAX_FILE_BYTES or has_marker(source, Section(0, len(source)))


def _read_json(page: Page) -> None:
    """Read a JSON file by the formats of the table, which see the same trees as in YAML."""
    page.is_json = True
    reading = JSON.read(page.source)
    for document in reading.documents:
        _read_document(page, document)
    if reading.broken is not None:
        page.report(reading.broken.offset, f"cannot be read as JSON: {reading.broken.cause}")


def _read_section(page: Page, section: Section, nodes_left: int) -> int:
    """Read the documents of a section; gives back how many nodes the file may still have."""
    reading = read(page.source, section, nodes_left)
    documents = [document for document in reading.documents if not _is_policy(document)]
    node_count = reading.node_count
    has_blocks = embedded.may_hold_blocks(page.source, section)
    for document in documents:
        _read_document(page, document)
        if has_blocks and not _is_schema(document):
            left = nodes_left - node_count
            node_count += EMBEDDING.read(page, document, _read_document, left)
    is_all_policy = bool(reading.documents) and not documents
    if not is_all_policy and has_marker(page.source, section):
        for overlay in OVERLAYS:
            overlay.read(page, section, reading)
    page.embedded.clear()
    if reading.broken is not None:
        is_template = b"{{" in page.source[section.start : section.end]
        kind = "a template, not YAML" if is_template else "cannot be read as YAML"
        page.report(reading.broken.offset, f"{kind}: {reading.broken.cause}", hint=_UNREADABLE_HINT)
    return nodes_left - node_count


def _is_policy(document: Document) -> bool:
    return top_level(document, "apiVersion").startswith(_POLICY_DOCUMENTS)


def _is_schema(document: Document) -> bool:
    return top_level(document, "kind") == "CustomResourceDefinition"


def _read_document(page: Page, document: Document) -> None:
    if _is_schema(document) or _is_policy(document):
        return
    for entry in DOCUMENT_FORMATS:
        if entry.claims(page, document):
            entry.read(page, document)
            return


def cache_key(file: str, blob_id: str) -> str:
    """What the result of `find` depends on: the bytes, the extractor, and the file's class."""
    return f"{EXTRACTOR_VERSION}:{reader_of(file)}:{_names(file)}:{blob_id}"


def _names(file: str) -> str:
    """The formats that look for files of this name; there, other keys than usual hold images."""
    return "+".join(name for name, is_named_so in _NAMED_FORMATS if is_named_so(file))


def dump(found: Found) -> bytes:
    """What the cache keeps of a file; empty for the many that hold nothing."""
    return cache.dump(found)


def load(file: str, payload: bytes) -> Found:
    """Undo `dump`, for a file whose `cache_key` is the one that the payload was kept under."""
    return cache.load(file, payload) if payload else _NOTHING


def sweep() -> None:
    """Within `scanning`, free the cycles made since the last sweep: a database's results are some.

    Looks at young objects alone, so that what a scan has found so far is not gone through again.
    """
    gc.collect(0)


@contextmanager
def scanning() -> Iterator[None]:
    """Keep Python's cyclic collector out of a scan of many files: trees die young, by count.

    Worth 10 to 25 % of the time. Scans may overlap in several threads; the last to end
    switches the collector on again.
    """
    _pause_collector()
    try:
        yield
    finally:
        _resume_collector()


_scan_lock = Lock()
_running_scans = 0


def _pause_collector() -> None:
    global _running_scans
    with _scan_lock:
        _running_scans += 1
        gc.disable()


def _resume_collector() -> None:
    global _running_scans
    with _scan_lock:
        _running_scans -= 1
        if not _running_scans:
            # What the scan made is young; there and back puts it among the old, unlooked at.
            gc.freeze()
            gc.unfreeze()
            gc.enable()
