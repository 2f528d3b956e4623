"""Finds an owner's git repositories and says of each why it is looked after, or why not.

Network through an `OwnerListing`; which files a repository has is remembered until it changes,
so that a round over an owner costs his pages alone. One round asks for the files of a few hundred
repositories at most: the others come in the rounds after it, which keeps rate limits whole.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imagebot.errors import ForgeError
from imagebot.interfaces import OccurrenceCache
from imagebot.owned import OwnedRepository, OwnerListing, Wanted, has_file, refusal

MAX_TREES_ASKED = 300  # in one round
_YES, _NO = b"1", b"0"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Discovered:
    """`left` has the reason for each project that is not looked after."""

    taken: tuple[OwnedRepository, ...]
    left: Mapping[str, str]


def discover(
    listing: OwnerListing, wanted: Wanted, kept: OccurrenceCache | None = None
) -> Discovered:
    """Raises ForgeError when the owner cannot be listed: then nothing is known of anything."""
    found = sorted(listing.repositories(), key=lambda each: each.project)
    left = {each.project: reason for each in found if (reason := refusal(each, wanted))}
    open_to = [each for each in found if each.project not in left]
    if wanted.files:
        left |= _without_files(listing, open_to, wanted, kept)
    return Discovered(tuple(each for each in open_to if each.project not in left), left)


def _without_files(
    listing: OwnerListing,
    found: Sequence[OwnedRepository],
    wanted: Wanted,
    kept: OccurrenceCache | None,
) -> dict[str, str]:
    names = ", ".join(glob.text for glob in wanted.files)
    keys = {each.project: _key(each, names) for each in found}
    known = dict(kept.get_many(list(keys.values()))) if kept is not None else {}
    left, asked = {}, 0
    for each in found:
        answer = known.get(keys[each.project])
        if answer is None and asked >= MAX_TREES_ASKED:
            left[each.project] = "not looked into yet: in one of the next rounds"
            continue
        if answer is None:
            asked += 1
            answer = _looked(listing, each, wanted)
            if answer is None:
                left[each.project] = "its files could not be listed, see the log"
                continue
            if kept is not None:
                kept.put_many({keys[each.project]: answer})
        if answer == _NO:
            left[each.project] = f"no file is called {names}"
    return left


def _looked(listing: OwnerListing, found: OwnedRepository, wanted: Wanted) -> bytes | None:
    """A repository whose files are too many to tell may have one: looking costs a clone."""
    try:
        paths = listing.paths(found)
    except ForgeError as error:
        if error.can_retry:
            raise  # the forge is away: the round is void
        log.warning("%(project)s: %(error)s", {"project": found.project, "error": error})
        return None
    return _YES if paths is None or has_file(paths, wanted.files) else _NO


def _key(found: OwnedRepository, names: str) -> str:
    parts = "\n".join((found.https_url, found.branch, found.changed, names))
    return f"files-of-{hashlib.sha256(parts.encode()).hexdigest()}"
