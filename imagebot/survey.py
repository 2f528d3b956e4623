"""What stands in a git repository: policies and image references, from a tree of files.

Joins two steps (policies, formats) over the files of a `FileTree`; decides nothing. What one
file names and another describes (the source of a chart) is put together here.

The cost follows change where there is a cache. A tree that was looked at before is not walked;
one that differs from such a tree is read where it differs; a file whose content was read before,
in whatever repository, is not read again. Memory holds what was found, not the names of files.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from imagebot import chart_sources, formats, ignoring, kept_tree
from imagebot.file_scan import (
    BATCH,
    NOTHING,
    VERSION,
    FileFound,
    Scan,
    file_key,
    is_candidate,
    loaded,
    look_at,
)
from imagebot.interfaces import FileTree, Listed, OccurrenceCache
from imagebot.kept_tree import NO_CONTENT, Content, KeptTree
from imagebot.model import Found, Kustomization, Occurrence, Problem
from imagebot.policy import defaults
from imagebot.policy.fielding import FieldRules
from imagebot.policy.model import Field, Policy, RepositoryPolicy

RECENT_TREES = 4  # of one git repository that a new one is compared with, the latest first


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
    kustomizations: tuple[Kustomization, ...] = ()
    repository_policy: RepositoryPolicy | None = None  # what it says stands in the policies, too


def survey(tree: FileTree, cache: OccurrenceCache | None = None) -> Survey:
    """Look at every file that can hold an image. Unreadable files are problems, no exceptions."""
    with formats.scanning():
        if cache is None or not tree.tree_id:
            return _told(tree, cache, look_at(tree, tree.walk(), cache, Scan()))
        return _told(tree, cache, _with_memory(tree, cache))


# Trees that were looked at before


def _with_memory(tree: FileTree, cache: OccurrenceCache) -> Scan:
    key, recent_key = _tree_key(tree.tree_id), f"trees:{VERSION}:{tree.repository_key}"
    rows = cache.get_many([key, recent_key])
    recent = rows.get(recent_key, b"").decode().split()
    known = _kept(cache, tree.tree_id, rows.get(key))
    if known is not None and recent[:1] == [tree.tree_id]:
        return Scan(known[0])
    entries = {}
    if known is not None:
        scan = Scan(known[0])
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
) -> tuple[Scan, bytes] | None:
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
            if is_candidate(file):
                whole.file_count -= not file.passed_over
                whole.passed_over.pop(file.path, None)
                if whole.contents.pop(file.path, None):
                    changed[file.path] = NO_CONTENT
        scan = look_at(tree, changes.listed, cache, Scan(whole))
        listed = (file.path for file in changes.listed)
        changed |= {path: whole.contents[path] for path in listed if path in whole.contents}
        text = kept_tree.encode_change(whole, changed, chain)
        return scan, text if text is not None else kept_tree.encode(whole)
    return None


def _from_scratch(tree: FileTree, cache: OccurrenceCache) -> tuple[Scan, bytes]:
    scan = look_at(tree, tree.walk(), cache, Scan())
    return scan, kept_tree.encode(scan.tree)


def _tree_key(tree_id: str) -> str:
    return f"tree:{VERSION}:{tree_id}"


# All together


def _told(tree: FileTree, cache: OccurrenceCache | None, scan: Scan) -> Survey:
    contents = scan.tree.contents
    every = {
        path: scan.found.get(path) or loaded(path, contents[path])
        for path in sorted(scan.found.keys() | contents.keys())
    }
    rules = ignoring.read({path: file.ignores for path, file in every.items() if file.ignores})
    ignored = {
        path: reason for path, file in every.items() if (reason := _why_ignored(path, file, rules))
    }
    laid, unmatched = _with_fields(tree, cache, every, ignored, rules)
    every |= {path: replace(every.get(path, NOTHING), extracted=it) for path, it in laid.items()}
    files = [file for path, file in sorted(every.items()) if path not in ignored]
    occurrences, unresolved = chart_sources.resolve(
        (occurrence for file in files for occurrence in file.extracted.occurrences),
        [source for file in files for source in file.extracted.chart_sources],
    )
    for_all, several = defaults.the_one(
        [each for file in files for each in file.documents.repository_policies]
    )
    policies = (policy for file in files for policy in file.documents.policies)
    wrong = [problem for file in files for problem in file.documents.problems]
    wrong += (*several, *rules.problems)
    unread = [problem for file in files for problem in file.extracted.problems]
    unread += [
        Problem(name, 0, 0, f"not looked at: {reason}", is_warning=True)
        for name, reason in sorted(scan.tree.passed_over.items())
        if not rules.reason(name)
    ]
    return Survey(
        policies=tuple(defaults.complete(policy, for_all) for policy in policies),
        broken=tuple(policy for file in files for policy in file.documents.broken),
        occurrences=occurrences,
        problems=(*wrong, *unmatched, *unresolved, *unread),
        policy_problems=tuple(wrong),
        unread=tuple(unread),
        ignored=tuple(ignored.items()),
        file_count=scan.tree.file_count,
        parsed_count=scan.parsed_count,
        kustomizations=tuple(each for file in files for each in file.extracted.kustomizations),
        repository_policy=for_all,
    )


def _with_fields(
    tree: FileTree,
    cache: OccurrenceCache | None,
    every: Mapping[str, FileFound],
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
            if path not in ignored and any(result.found):
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
        file.path: f"{file_key(file)}:{formats.rules_key(rules.of(file.path))}"
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


def _why_ignored(path: str, file: FileFound, rules: ignoring.Ignoring) -> str:
    if file.ignores:
        return ""
    return "its first lines say so" if file.extracted.is_ignored else rules.reason(path)
