"""What stands in a git repository: policies and image references, from a tree of files.

Joins two steps (policies, formats) over the files of a `FileTree`; decides nothing. What one
file names and another describes (the source of a chart) is put together here.

The cost follows change where there is a cache. A tree that was looked at before is not walked;
one that differs from such a tree is read where it differs; a file whose content was read before,
in whatever repository, is not read again. Memory holds what was found, not the names of files.
"""

import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain, islice

from imagebot import __version__, chart_sources, formats, ignoring, kept_tree
from imagebot.interfaces import FileTree, Listed, OccurrenceCache
from imagebot.kept_tree import NO_CONTENT, Content, KeptTree
from imagebot.model import Found, Occurrence, Problem
from imagebot.policy import kept as kept_policies
from imagebot.policy import reading
from imagebot.policy.fielding import FieldRules
from imagebot.policy.model import Field, Policy
from imagebot.policy.reading import PolicyFile

BATCH = 1_000  # files listed, looked up and read together
RECENT_TREES = 4  # of one git repository that a new one is compared with, the latest first
_VERSION = f"{__version__}:{formats.EXTRACTOR_VERSION}:{kept_policies.SHAPE}"


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything found, in the order of the paths."""

    policies: tuple[Policy, ...]
    broken: tuple[Policy, ...]  # with errors: they keep farther policies out, and decide nothing
    occurrences: tuple[Occurrence, ...]
    problems: tuple[Problem, ...]
    policy_problems: tuple[Problem, ...]  # those of them that policy documents have
    unread: tuple[Problem, ...]  # those of them that files, documents and values have
    ignored: tuple[tuple[str, str], ...]  # path and reason of files that would hold something
    file_count: int  # files looked at
    parsed_count: int  # of them read now, not remembered


_NO_DOCUMENTS = PolicyFile()


@dataclass(frozen=True, slots=True)
class _FileFound:
    extracted: Found
    documents: PolicyFile
    ignores: str = ""  # the text of an .imagebotignore

    @property
    def holds_something(self) -> bool:
        return any(self.extracted) or self.documents != _NO_DOCUMENTS or bool(self.ignores)


_NOTHING = _FileFound(Found(), _NO_DOCUMENTS)


@dataclass(slots=True)
class _Scan:
    """A tree as far as it was looked at."""

    tree: KeptTree = field(default_factory=KeptTree)
    found: dict[str, _FileFound] = field(default_factory=dict)  # of the contents: those read now
    parsed_count: int = 0


def survey(tree: FileTree, cache: OccurrenceCache | None = None) -> Survey:
    """Look at every file that can hold an image. Unreadable files are problems, no exceptions."""
    with formats.scanning():
        if cache is None or not tree.tree_id:
            return _told(tree, None, _look_at(tree, tree.walk(), None, _Scan()))
        return _told(tree, cache, _with_memory(tree, cache))


# Trees that were looked at before


def _with_memory(tree: FileTree, cache: OccurrenceCache) -> _Scan:
    key, recent_key = _tree_key(tree.tree_id), f"trees:{_VERSION}:{tree.repository_key}"
    rows = cache.get_many([key, recent_key])
    recent = rows.get(recent_key, b"").decode().split()
    known = _kept(cache, tree.tree_id, rows.get(key))
    if known is not None and recent[:1] == [tree.tree_id]:
        return _Scan(known[0])
    entries = {}
    if known is not None:
        scan = _Scan(known[0])
    else:
        scan, entries[key] = _from_earlier(tree, cache, recent) or _from_scratch(tree, cache)
    latest = [tree.tree_id, *(each for each in recent if each != tree.tree_id)]
    entries[recent_key] = " ".join(latest[:RECENT_TREES]).encode()
    cache.put_many(
        {
            each: content
            for each, content in entries.items()
            if len(content) <= kept_tree.MAX_CONTENT_BYTES
        }
    )
    return scan


def _kept(
    cache: OccurrenceCache, tree_id: str, text: bytes | None
) -> tuple[KeptTree, tuple[str, ...]] | None:
    """A kept tree, and the trees that its text builds on, itself the last."""
    if text is None:
        return None
    last = kept_tree.decode(text)
    keys = [_tree_key(each) for each in last.chain]
    rows = cache.get_many(keys) if keys else {}
    if len(rows) < len(keys):
        return None
    below = [kept_tree.decode(rows[key]) for key in keys]
    return kept_tree.lay_over([*below, last]), (*last.chain, tree_id)


def _from_earlier(
    tree: FileTree, cache: OccurrenceCache, recent: Sequence[str]
) -> tuple[_Scan, bytes] | None:
    """Walk only what differs from a tree of the same git repository that is kept."""
    for tree_id in recent:
        earlier = _kept(
            cache, tree_id, cache.get_many([_tree_key(tree_id)]).get(_tree_key(tree_id))
        )
        changes = tree.changes_since(tree_id) if earlier else None
        if earlier is None or changes is None:
            continue
        whole, chain = earlier
        changed: dict[str, Content] = {}
        for file in changes.gone:
            if _is_candidate(file):
                whole.file_count -= not file.passed_over
                whole.passed_over.pop(file.path, None)
                if whole.contents.pop(file.path, None):
                    changed[file.path] = NO_CONTENT
        scan = _look_at(tree, changes.listed, cache, _Scan(whole))
        listed = (file.path for file in changes.listed)
        changed |= {path: whole.contents[path] for path in listed if path in whole.contents}
        text = kept_tree.encode_change(whole, changed, chain)
        return scan, text if text is not None else kept_tree.encode(whole)
    return None


def _from_scratch(tree: FileTree, cache: OccurrenceCache) -> tuple[_Scan, bytes]:
    scan = _look_at(tree, tree.walk(), cache, _Scan())
    return scan, kept_tree.encode(scan.tree)


def _tree_key(tree_id: str) -> str:
    return f"tree:{_VERSION}:{tree_id}"


# Files


def _look_at(
    tree: FileTree, files: Iterable[Listed], cache: OccurrenceCache | None, scan: _Scan
) -> _Scan:
    """Add to the scan what the files hold."""
    candidates = (file for file in files if _is_candidate(file))
    while batch := list(islice(candidates, BATCH)):
        usable = [file for file in batch if not file.passed_over]
        scan.tree.passed_over |= {file.path: file.passed_over for file in batch if file.passed_over}
        keys = {file.path: _file_key(file) for file in usable} if cache else {}
        known = cache.get_many(list(keys.values())) if cache else {}
        for path, key in keys.items():
            if key in known:
                _remember(scan, path, known[key])
        unread = [file for file in usable if keys.get(file.path) not in known]
        fresh = dict(_read(tree, unread, scan, is_kept=cache is not None))
        if cache:
            cache.put_many({keys[path]: payload for path, payload in fresh.items()})
    return scan


def _is_candidate(file: Listed) -> bool:
    """Whether a file is looked at, or should be and cannot: any text that cannot need not."""
    is_text = formats.is_read_for_markers(file.path)
    return formats.is_candidate_path(file.path) and not (file.passed_over and is_text)


def _remember(scan: _Scan, path: str, payload: bytes) -> None:
    scan.tree.file_count += 1
    if payload:
        scan.tree.contents[path] = Content(*payload.split(b"\n"))


def _read(
    tree: FileTree, files: Sequence[Listed], scan: _Scan, *, is_kept: bool
) -> Iterator[tuple[str, bytes]]:
    """Read the files into the scan; gives back what is worth remembering of each."""
    texts = [file for file in files if formats.is_read_for_markers(file.path)]
    others = [file for file in files if not formats.is_read_for_markers(file.path)]
    scan.tree.file_count += len(files)
    for file, source in chain(
        tree.contents(others),
        tree.contents(texts, formats.MAX_MARKED_TEXT_BYTES) if texts else (),
    ):
        found = _found(file.path, source)
        scan.parsed_count += 1
        payload = b""
        if found.holds_something:
            scan.found[file.path] = found
            if is_kept:
                content = _content(found)
                scan.tree.contents[file.path] = content
                payload = b"\n".join(content)
        yield file.path, payload


def _found(path: str, source: bytes) -> _FileFound:
    if path.rpartition("/")[2] == ignoring.FILE_NAME:
        text = source[: ignoring.MAX_BYTES + 1].decode(errors="replace")
        return _FileFound(Found(), _NO_DOCUMENTS, text)
    extracted = formats.find(path, source)
    is_yaml = formats.is_yaml_path(path) and not extracted.is_ignored
    return _FileFound(extracted, reading.find(path, source) if is_yaml else _NO_DOCUMENTS)


def _content(found: _FileFound) -> Content:
    extracted, documents = found.extracted, found.documents
    return Content(
        formats.dump(extracted) if any(extracted) else b"",
        kept_policies.dump(documents) if documents != _NO_DOCUMENTS else b"",
        json.dumps(found.ignores).encode() if found.ignores else b"",
    )


def _file_key(file: Listed) -> str:
    return f"{_VERSION}:{formats.cache_key(file.path, file.blob)}"


# All together


def _told(tree: FileTree, cache: OccurrenceCache | None, scan: _Scan) -> Survey:
    contents = scan.tree.contents
    every = {
        path: scan.found.get(path) or _loaded(path, contents[path])
        for path in sorted(scan.found.keys() | contents.keys())
    }
    rules = ignoring.read({path: file.ignores for path, file in every.items() if file.ignores})
    ignored = {
        path: reason for path, file in every.items() if (reason := _why_ignored(path, file, rules))
    }
    laid, unmatched = _with_fields(tree, cache, every, ignored, rules)
    every |= {path: replace(every.get(path, _NOTHING), extracted=it) for path, it in laid.items()}
    files = [file for path, file in sorted(every.items()) if path not in ignored]
    occurrences, unresolved = chart_sources.resolve(
        (occurrence for file in files for occurrence in file.extracted.occurrences),
        [source for file in files for source in file.extracted.chart_sources],
    )
    wrong = [problem for file in files for problem in file.documents.problems]
    wrong += rules.problems
    unread = [problem for file in files for problem in file.extracted.problems]
    unread += [
        Problem(name, 0, 0, f"not looked at: {reason}", is_warning=True)
        for name, reason in sorted(scan.tree.passed_over.items())
        if not rules.reason(name)
    ]
    return Survey(
        policies=tuple(policy for file in files for policy in file.documents.policies),
        broken=tuple(policy for file in files for policy in file.documents.broken),
        occurrences=occurrences,
        problems=(*wrong, *unmatched, *unresolved, *unread),
        policy_problems=tuple(wrong),
        unread=tuple(unread),
        ignored=tuple(ignored.items()),
        file_count=scan.tree.file_count,
        parsed_count=scan.parsed_count,
    )


def _with_fields(
    tree: FileTree,
    cache: OccurrenceCache | None,
    every: Mapping[str, _FileFound],
    ignored: Container[str],
    ignores: ignoring.Ignoring,
) -> tuple[dict[str, Found], list[Problem]]:
    """What files hold with the fields of policies laid over, and the fields that mean nothing.

    The files of such a policy are listed each time; they are read when they or the fields change.
    """
    rules = FieldRules(
        policy
        for path, file in every.items()
        if path not in ignored
        for policy in file.documents.policies
    )
    if not rules.policies:
        return {}, []
    laid: dict[str, Found] = {}
    matched: set[tuple[str, int]] = set()
    files = (file for file in tree.walk() if not file.passed_over and rules.of(file.path))
    listed = (file for file in files if formats.can_hold_fields(file.path))
    wanted = (file for file in listed if not ignores.reason(file.path))
    while batch := list(islice(wanted, BATCH)):
        for path, result in _laid(tree, cache, batch, rules):
            matched |= {(rule.policy.identity, rule.number) for rule in result.matched}
            if result.matched and path not in ignored:
                laid[path] = result.found
    return laid, [
        _unmatched(policy, number, each)
        for policy in rules.policies
        for number, each in enumerate(policy.fields)
        if (policy.identity, number) not in matched
    ]


def _unmatched(policy: Policy, number: int, each: Field) -> Problem:
    message = f"{each.path!r} means no value in any file of the policy"
    hint = "look at its spelling, at kind, and at the policy's paths"
    address = f"spec.fields[{number}].path"
    return Problem(policy.file, each.line, each.column, message, hint, address, is_warning=True)


def _laid(
    tree: FileTree, cache: OccurrenceCache | None, batch: Sequence[Listed], rules: FieldRules
) -> Iterator[tuple[str, formats.Laid]]:
    keys = {
        file.path: f"{_file_key(file)}:{formats.rules_key(rules.of(file.path))}"
        for file in batch
        if cache and file.blob
    }
    known = cache.get_many(list(keys.values())) if cache else {}
    for path, key in keys.items():
        if key in known:
            yield path, formats.load_laid(path, known[key], rules.of(path))
    unread = [file for file in batch if keys.get(file.path) not in known]
    fresh = {}
    for file, source in tree.contents(unread):
        result = formats.find_with_fields(file.path, source, rules.of(file.path))
        if file.path in keys:
            fresh[keys[file.path]] = formats.dump_laid(result, rules.of(file.path))
        yield file.path, result
    if cache:
        cache.put_many(fresh)


def _why_ignored(path: str, file: _FileFound, rules: ignoring.Ignoring) -> str:
    if file.ignores:
        return ""
    return "its first lines say so" if file.extracted.is_ignored else rules.reason(path)


@lru_cache(maxsize=8192)
def _loaded(path: str, content: Content) -> _FileFound:
    """What was kept of a file. A service has made most of it before, at its last look."""
    return _FileFound(
        formats.load(path, content.images),
        kept_policies.load(path, content.documents) if content.documents else _NO_DOCUMENTS,
        json.loads(content.ignores) if content.ignores else "",
    )
