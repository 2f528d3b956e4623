"""The bytes that an update changes, changing them, and proof that nothing else changed.

Pure. An edit names the bytes it expects; where they are not there, nothing is written. A new
value keeps the quotes of the old one and gets double quotes exactly where it would otherwise
not be read as the same string. Before a rewritten file leaves this module it is read again,
and must hold what was wanted and, besides that, what it held before.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from imagebot.edit_proof import refuse_missing_digests, refuse_other_changes
from imagebot.errors import ImagebotError, InvalidReference, StaleEdit
from imagebot.image import is_tag, parse_name, shortened
from imagebot.model import Edit, Found, Occurrence, Part, Slot, Span, Update
from imagebot.slot_texts import edit_of, wanted_text

Find = Callable[[str, bytes], Found]


@dataclass(frozen=True, slots=True)
class RewrittenFile:
    """A file's new bytes, and the edits and updates that made them."""

    file: str
    content: bytes
    edits: tuple[Edit, ...]
    updates: tuple[Update, ...]


class Possible(NamedTuple):
    """A file with what could be written in it, None where nothing could, and why the rest not."""

    rewritten: RewrittenFile | None
    refused: tuple[tuple[Update, ImagebotError], ...]


def edits_for(source: bytes, update: Update) -> tuple[Edit, ...]:
    """The edits that make an occurrence say what its update wants; none where it says so already.

    Raises StaleEdit where the slots cannot hold it: a tag wanted where only a digest
    stands, a new name where the name is not written. Raises InvalidReference for a tag or name
    that is none.
    """
    _refuse_invalid(update)
    slots = update.occurrence.slots
    _refuse_unwritable(update)
    edits = (edit_of(source, slot, wanted_text(update, slot, slots)) for slot in slots)
    return tuple(edit for edit in edits if edit is not None)


def apply(source: bytes, edits: Iterable[Edit]) -> bytes:
    """Give back `source` with every edit made; the same edit given twice is made once.

    Raises StaleEdit when the expected bytes are gone or two edits overlap.
    """
    pieces: list[bytes] = []
    done = 0
    for edit in sorted(set(edits), key=lambda edit: (edit.span.start, edit.span.end, edit.new)):
        span = edit.span
        if span.start < done or (pieces and span.start == done == span.end):
            raise StaleEdit(
                f"two edits overlap at byte {span.start}",
                hint="two updates want different values in one place",
            )
        if span.end > len(source) or source[span.start : span.end] != span.written:
            raise StaleEdit(
                f"bytes {span.start}-{span.end} are not {shortened(repr(span.written))}",
                hint="the file has changed since it was read; look again",
            )
        pieces += (source[done : span.start], edit.new)
        done = span.end
    return b"".join((*pieces, source[done:]))


def rewrite(
    file: str,
    source: bytes,
    updates: Sequence[Update],
    find: Find,
    ungoverned: Collection[Occurrence] = (),
) -> RewrittenFile:
    """Make all updates of one file, read the result again, and compare.

    An image whose tag stands in bytes that an update changes gets the tag along when it is the
    same image, or when it is one of `ungoverned`.

    Raises StaleEdit, and nothing is written, when an occurrence is not (any more) in the file or
    when anything but the updated occurrences reads differently afterwards.
    """
    before = find(file, source)
    wanted = _updates_by_index(file, before.occurrences, updates, ungoverned)
    edits = tuple(edit for update in updates for edit in edits_for(source, update))
    content = apply(source, edits)
    after = find(file, content)
    if len(after.occurrences) != len(before.occurrences):
        refuse_missing_digests(file, updates)
    refuse_other_changes(file, before, after, wanted)
    return RewrittenFile(file, content, tuple(dict.fromkeys(edits)), tuple(updates))


def rewrite_possible(
    file: str,
    source: bytes,
    updates: Sequence[Update],
    find: Find,
    ungoverned: Collection[Occurrence] = (),
) -> Possible:
    """As `rewrite`, with the updates that can be made together; of two that cannot the first."""
    try:
        return Possible(rewrite(file, source, updates, find, ungoverned), ())
    except ImagebotError:
        made = None
    good: list[Update] = []
    refused: list[tuple[Update, ImagebotError]] = []
    for update in updates:
        try:
            made = rewrite(file, source, [*good, update], find, ungoverned)
            good.append(update)
        except ImagebotError as error:
            refused.append((update, error))
    return Possible(made, tuple(_as_made(source, made, find, refused) if made else refused))


def _as_made(
    source: bytes,
    made: RewrittenFile,
    find: Find,
    refused: Iterable[tuple[Update, ImagebotError]],
) -> Iterator[tuple[Update, ImagebotError]]:
    """Say of what was refused, and yet changes along with another image, what it becomes."""
    edited = {edit.span for edit in made.edits}
    for update, error in refused:
        was = update.occurrence
        shared = [slot for slot in _version_slots(was) if slot.span in edited]
        if not shared:
            yield update, error
            continue
        pairs = zip(
            find(made.file, source).occurrences,
            find(made.file, made.content).occurrences,
            strict=True,
        )
        now = next((now for old, now in pairs if _identity(old) == _identity(was)), was)
        message = (
            f"{made.file}:{was.line}: becomes {now.tag!r} along with another image, "
            f"and not {update.tag!r}: the same bytes hold a part of both tags"
        )
        yield update, StaleEdit(message, hint="write the whole tag in one place")


def _refuse_invalid(update: Update) -> None:
    if not (is_tag(update.tag) or (not update.tag and update.digest)):
        raise InvalidReference(f"not a tag: {shortened(update.tag)!r}")
    if update.name is not None:
        parse_name(update.name)


def _refuse_unwritable(update: Update) -> None:
    occurrence = update.occurrence
    where = f"{occurrence.file}:{occurrence.line}"
    parts = {slot.part for slot in occurrence.slots}
    if not update.tag and any(part.holds_tag for part in parts - {Part.REFERENCE}):
        raise StaleEdit(f"{where}: a tag is written here, and the update has none")
    if update.digest is not None and not occurrence.can_hold_digest:
        is_name = parts <= {Part.NAME, Part.REGISTRY}
        what = "a name without a version" if is_name else "a version"
        raise StaleEdit(
            f"{where}: {what} is written here that holds no digest",
            hint="leave the digest out",
        )
    written = occurrence.digest
    if written and update.digest and written.algorithm != update.digest.algorithm:
        raise StaleEdit(
            f"{where}: a {written.algorithm} digest is written here, and the new one is "
            f"{update.digest.algorithm}",
            hint=f"write the {update.digest.algorithm} digest of today's tag by hand once",
        )
    if not any(part.holds_tag for part in parts):
        if not any(part.is_digest for part in parts):
            raise StaleEdit(
                f"{where}: no tag or digest is written here, so none can be replaced",
                hint="write one by hand first (kustomize: add newTag to the entry)",
            )
        if update.digest is None:
            raise StaleEdit(
                f"{where}: only a digest is written here, and the update has none",
                hint="pin the digest, or write a tag beside it",
            )
    if update.name is not None and not parts & {Part.NAME, Part.REFERENCE}:
        raise StaleEdit(
            f"{where}: the image's name is not written here, so it cannot be replaced",
            hint="kustomize: add newName to the entry",
        )


def _updates_by_index(
    file: str,
    occurrences: tuple[Occurrence, ...],
    updates: Sequence[Update],
    ungoverned: Collection[Occurrence],
) -> dict[int, Update]:
    """Which of the file's occurrences should say what afterwards, by their order in the file."""
    places = {_identity(occurrence): index for index, occurrence in enumerate(occurrences)}
    sharing: dict[Span, list[int]] = {}
    for index, occurrence in enumerate(occurrences):
        for slot in _version_slots(occurrence):
            sharing.setdefault(slot.span, []).append(index)
    free = {_identity(occurrence) for occurrence in ungoverned}
    wanted: dict[int, Update] = {}
    following: dict[int, Update] = {}
    for update in updates:
        at = places.get(_identity(update.occurrence))
        if at is None:
            raise StaleEdit(
                f"{file}:{update.occurrence.line}: the image is not there any more",
                hint="the file has changed since it was read; look again",
            )
        wanted[at] = update
        for slot in _version_slots(update.occurrence):
            for index in sharing[slot.span]:
                other = occurrences[index]
                if _is_same(other, update):
                    following[index] = _following(other, slot, update)
                elif _identity(other) in free:
                    # A digest is one image's own: written into the shared bytes it stops the edit.
                    following[index] = replace(_following(other, slot, update), digest=None)
    return following | wanted


def _identity(occurrence: Occurrence) -> tuple[object, ...]:
    """What tells an occurrence from all others of its file, whatever other files say of it."""
    reference = occurrence.reference if occurrence.sourced is None else None
    return occurrence.slots, reference.name if reference else None


def _version_slots(occurrence: Occurrence) -> tuple[Slot, ...]:
    return tuple(slot for slot in occurrence.slots if slot.part.holds_tag or slot.part.is_digest)


def _is_same(occurrence: Occurrence, update: Update) -> bool:
    """Whether an occurrence whose version stands in the same bytes, by alias, may follow."""
    reference = occurrence.reference
    return reference is not None and reference.repository == update.reference.repository


def _following(occurrence: Occurrence, slot: Slot, update: Update) -> Update:
    """What an occurrence says when the bytes that it shares are edited for another."""
    own = next(each for each in occurrence.slots if each.span == slot.span)
    if (own.before, own.after) == (slot.before, slot.after):
        return update
    written = wanted_text(update, slot, update.occurrence.slots)
    return replace(update, tag=own.before + written + own.after)
