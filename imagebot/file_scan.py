"""What each file of a tree holds: read once, and by the id of its content never again.

Joins the steps that read files (formats, policies) for survey.py. Files come in batches and go;
memory holds what was found. What is kept of a content is opaque to the cache: see `Content`.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice

from imagebot import __version__, formats, ignoring
from imagebot.interfaces import FileTree, Listed, OccurrenceCache
from imagebot.kept_tree import Content, KeptTree
from imagebot.model import Found
from imagebot.policy import kept as kept_policies
from imagebot.policy import reading
from imagebot.policy.reading import PolicyFile

BATCH = 1_000  # files listed, looked up and read together
VERSION = f"{__version__}:{formats.EXTRACTOR_VERSION}:{kept_policies.SHAPE}"
_NO_DOCUMENTS = PolicyFile()


@dataclass(frozen=True, slots=True)
class FileFound:
    extracted: Found
    documents: PolicyFile
    ignores: str = ""  # the text of an .imagebotignore

    @property
    def holds_something(self) -> bool:
        return any(self.extracted) or self.documents != _NO_DOCUMENTS or bool(self.ignores)


NOTHING = FileFound(Found(), _NO_DOCUMENTS)


@dataclass(slots=True)
class Scan:
    """A tree as far as it was looked at."""

    tree: KeptTree = field(default_factory=KeptTree)
    found: dict[str, FileFound] = field(default_factory=dict)  # of the contents: those read now
    parsed_count: int = 0


def look_at(
    tree: FileTree, files: Iterable[Listed], cache: OccurrenceCache | None, scan: Scan
) -> Scan:
    """Add to the scan what the files hold. Nothing is held of a file that holds nothing."""
    fresh: dict[str, bytes] = {}
    for file, source in tree.contents(_unread(files, cache, scan)):
        scan.parsed_count += 1
        payload = _note(scan, file.path, find(file.path, source), is_kept=cache is not None)
        if cache and file.blob:
            fresh[file_key(file)] = payload
            if len(fresh) == BATCH:
                cache.put_many(fresh)
                fresh = {}
    if cache:
        cache.put_many(fresh)
    return scan


def _unread(files: Iterable[Listed], cache: OccurrenceCache | None, scan: Scan) -> Iterator[Listed]:
    """The files whose content has to be read; what is kept of the others goes into the scan."""
    candidates = (file for file in files if is_candidate(file))
    while batch := list(islice(candidates, BATCH)):
        usable = [file for file in batch if not file.passed_over]
        scan.tree.file_count += len(usable)
        scan.tree.passed_over |= {file.path: file.passed_over for file in batch if file.passed_over}
        keys = [file_key(file) if cache and file.blob else "" for file in usable]
        known = cache.get_many([key for key in keys if key]) if cache else {}
        for file, key in zip(usable, keys, strict=True):
            if key not in known:
                yield file
            elif payload := known[key]:
                scan.tree.contents[file.path] = Content(*payload.split(b"\n"))
        formats.sweep()


def is_candidate(file: Listed) -> bool:
    """Whether a file is looked at, or should be and cannot: in any text a marker may stand."""
    return formats.is_candidate_path(file.path)


def _note(scan: Scan, path: str, found: FileFound, *, is_kept: bool) -> bytes:
    """Put into the scan what a file holds; gives back what is worth remembering of it."""
    if not found.holds_something:
        return b""
    scan.found[path] = found
    if not is_kept:
        return b""
    content = _content(found)
    scan.tree.contents[path] = content
    return b"\n".join(content)


def find(path: str, source: bytes) -> FileFound:
    if path.rpartition("/")[2] == ignoring.FILE_NAME:
        text = source[: ignoring.MAX_BYTES + 1].decode(errors="replace")
        return FileFound(Found(), _NO_DOCUMENTS, text)
    extracted = formats.find(path, source)
    is_yaml = formats.is_yaml_path(path) and not extracted.is_ignored
    return FileFound(extracted, reading.find(path, source) if is_yaml else _NO_DOCUMENTS)


def _content(found: FileFound) -> Content:
    extracted, documents = found.extracted, found.documents
    return Content(
        formats.dump(extracted) if any(extracted) else b"",
        kept_policies.dump(documents) if documents != _NO_DOCUMENTS else b"",
        json.dumps(found.ignores).encode() if found.ignores else b"",
    )


def file_key(file: Listed) -> str:
    return f"{VERSION}:{formats.cache_key(file.path, file.blob)}"


@lru_cache(maxsize=8192)
def loaded(path: str, content: Content) -> FileFound:
    """What was kept of a file. A service has made most of it before, at its last look."""
    return FileFound(
        formats.load(path, content.images),
        kept_policies.load(path, content.documents) if content.documents else _NO_DOCUMENTS,
        json.loads(content.ignores) if content.ignores else "",
    )
