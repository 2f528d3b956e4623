"""What stands in a git repository: policies and image references, from a tree of files.

Joins two steps (policies, formats) over the files of a `FileTree`; decides nothing. What one
file names and another describes (the source of a chart) is put together here. The cost follows
change: a blob seen before is not read again when a cache is given, except for those that hold
policy documents.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from imagebot import chart_sources, formats
from imagebot.interfaces import FileTree, OccurrenceCache
from imagebot.model import Found, Occurrence, Problem
from imagebot.policy import reading
from imagebot.policy.model import Policy
from imagebot.policy.reading import PolicyFile

_WITH_POLICY, _WITHOUT_POLICY = b"P", b"-"


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything found, in the order of the paths."""

    policies: tuple[Policy, ...]
    broken: tuple[Policy, ...]  # with errors: they keep farther policies out, and decide nothing
    occurrences: tuple[Occurrence, ...]
    problems: tuple[Problem, ...]
    policy_problems: tuple[Problem, ...]  # those of them that policy documents have
    file_count: int  # files looked at
    parsed_count: int  # of them read now, not remembered


@dataclass(frozen=True, slots=True)
class _FileFound:
    extracted: Found
    documents: PolicyFile


_NO_DOCUMENTS = PolicyFile()
_NOTHING = _FileFound(Found(), _NO_DOCUMENTS)


def survey(tree: FileTree, cache: OccurrenceCache | None = None) -> Survey:
    """Look at every file that can hold an image. Unreadable files are problems, no exceptions."""
    blobs = {path: blob for path, blob in tree.files().items() if formats.is_candidate_path(path)}
    keys = {path: formats.cache_key(path, blob) for path, blob in blobs.items()}
    remembered = dict(cache.get_many(list(keys.values()))) if cache else {}
    found: dict[str, _FileFound] = {}
    unread = []
    for path, key in keys.items():
        payload = remembered.get(key)
        if payload is None or payload[:1] == _WITH_POLICY:
            unread.append(path)
        elif len(payload) > 1:
            found[path] = _FileFound(formats.load(path, payload[1:]), _NO_DOCUMENTS)
    fresh = dict(_read(tree, unread, keys, found))
    if cache:
        cache.put_many({key: value for key, value in fresh.items() if key not in remembered})
    ordered = [found.get(path, _NOTHING) for path in sorted(blobs)]
    passed_over = [
        Problem(name, 0, 0, f"not looked at: {reason}", is_warning=True)
        for name, reason in tree.passed_over()
        if formats.is_candidate_path(name)
    ]
    wrong = [problem for item in ordered for problem in item.documents.problems]
    unread_values = [problem for item in ordered for problem in item.extracted.problems]
    occurrences, unresolved = chart_sources.resolve(
        (found for item in ordered for found in item.extracted.occurrences),
        [source for item in ordered for source in item.extracted.chart_sources],
    )
    return Survey(
        policies=tuple(policy for item in ordered for policy in item.documents.policies),
        broken=tuple(policy for item in ordered for policy in item.documents.broken),
        occurrences=occurrences,
        problems=(*wrong, *unread_values, *unresolved, *passed_over),
        policy_problems=tuple(wrong),
        file_count=len(blobs),
        parsed_count=len(unread),
    )


def _read(
    tree: FileTree, paths: list[str], keys: Mapping[str, str], found: dict[str, _FileFound]
) -> Iterator[tuple[str, bytes]]:
    """Fill `found`; give back what is worth remembering, by cache key."""
    with formats.scanning():
        for path, source in tree.read(paths):
            extracted = formats.find(path, source)
            is_yaml = formats.is_yaml_path(path)
            documents = reading.find(path, source) if is_yaml else _NO_DOCUMENTS
            found[path] = _FileFound(extracted, documents)
            has_policy = bool(documents.policies or documents.problems)
            has_content = any(extracted)
            kind = _WITH_POLICY if has_policy else _WITHOUT_POLICY
            yield keys[path], kind + (formats.dump(extracted) if has_content else b"")
