"""Which images of a base get their tag from an overlay, where an edit of the base shows nothing.

Pure. A kustomization takes resources from files and folders, and its `images` entries set the tag
of each image that has the entry's name by then. From the file of an image the way goes up through
all kustomizations that take it in.
"""

import posixpath
import re
from collections import deque
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from imagebot.model import KUSTOMIZATION_FILES, ImagesEntry, Kustomization, Occurrence, Problem

FORMAT = "kustomize"  # of the occurrences that are entries
MAX_VISITED = 100  # kustomizations above one file: a hostile chain of them costs no more
_MAX_NAMED = 3  # in one message
# Where kustomize looks for images: other fields keep what they hold.
_CONTAINER_IMAGE = re.compile(r"(?:\A|\.)(?:containers|initContainers)\[\d+\]\.image\Z")
_ENTRY = re.compile(r"\Aimages\[\d+\]")


class _Entry(NamedTuple):
    """An `images` entry, by the name that the image has behind it."""

    file: str
    name: str
    line: int


class Overlays:
    """All kustomizations of a git repository, looked at from below."""

    def __init__(self, kustomizations: Iterable[Kustomization]) -> None:
        self._above: dict[str, list[str]] = {}  # by the file or folder they take in
        self._entries: dict[str, dict[str, ImagesEntry]] = {}  # by file, by name
        self._names: set[str] = set()
        self._known: dict[tuple[str, str], tuple[_Entry, ...]] = {}
        for each in kustomizations:
            for resource in each.resources:
                path = posixpath.join(posixpath.dirname(each.file), resource)
                self._above.setdefault(posixpath.normpath(path), []).append(each.file)
            # Of several entries for one name the last counts, as in kustomize.
            self._entries[each.file] = {entry.name: entry for entry in each.entries}
            self._names.update(self._entries[each.file])

    def overriding(self, occurrence: Occurrence) -> tuple[_Entry, ...]:
        """The entries that set a tag in place of the occurrence's."""
        if occurrence.reference is None or not self._names or not _is_transformed(occurrence):
            return ()
        key = occurrence.file, occurrence.reference.name
        if key not in self._known:
            self._known[key] = tuple(self._climb(*key))
        return self._known[key]

    def problem(
        self, occurrence: Occurrence, updated: Container[tuple[str, str]]
    ) -> Problem | None:
        """What to tell of an occurrence that is to be updated; None where it is what counts.

        `updated` are file and name of the entries that a policy governs as well.
        """
        entries = self.overriding(occurrence)
        places = [
            f"{each.file}:{each.line}" for each in entries if (each.file, each.name) not in updated
        ]
        if not places:
            return None
        named = ", ".join(places[:_MAX_NAMED])
        more = f" and {len(places) - _MAX_NAMED} more" if len(places) > _MAX_NAMED else ""
        return Problem(
            occurrence.file,
            occurrence.line,
            occurrence.column,
            f"overridden by the images entry in {named}{more}: an update here does not show there",
            hint="keep this file out of the policy's paths, or let a policy govern the overlay too",
            address=occurrence.address,
            is_warning=True,
        )

    def _climb(self, file: str, name: str) -> Iterator[_Entry]:
        waiting = deque((above, name) for above in self._taking(file))
        seen: set[tuple[str, str]] = set()
        while waiting and len(seen) < MAX_VISITED:
            at, name = waiting.popleft()
            if (at, name) in seen or at == file:
                continue
            seen.add((at, name))
            entry = self._entries[at].get(name)
            name = (entry.new_name if entry else "") or name
            if entry and entry.sets_version:
                yield _Entry(at, name, entry.line)
            waiting += ((above, name) for above in self._taking(at))

    def _taking(self, file: str) -> Sequence[str]:
        """Those that take in the file: by its own name or, of a kustomization, by its folder."""
        places = [file]
        if posixpath.basename(file) in KUSTOMIZATION_FILES:
            places.append(posixpath.dirname(file) or ".")
        taking = (above for place in places for above in self._above.get(place, ()))
        return list(islice(taking, MAX_VISITED))


def _is_transformed(occurrence: Occurrence) -> bool:
    if occurrence.format == FORMAT:
        return _ENTRY.match(occurrence.address) is not None
    return _CONTAINER_IMAGE.search(occurrence.address) is not None
