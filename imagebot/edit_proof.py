"""Proof that an edit changed what was wanted, and nothing else that a file holds or is told of.

Pure. A rewritten file is read again; what was found before and what is found after are compared.
"""

from collections.abc import Sequence
from dataclasses import replace

from imagebot.errors import StaleEdit
from imagebot.image import parse_name
from imagebot.model import Found, Occurrence, Part, Problem, Update


def refuse_other_changes(file: str, before: Found, after: Found, wanted: dict[int, Update]) -> None:
    """Refuse an edit after which the file holds anything else than before and what is wanted.

    `wanted`: what an occurrence should say, by its number in the file.
    """
    old, new = before.occurrences, after.occurrences
    if len(old) != len(new):
        raise StaleEdit(f"{file}: the edit would change how many images the file holds")
    for index, (was, now) in enumerate(zip(old, new, strict=True)):
        if _place(was) != _place(now):
            raise StaleEdit(f"{file}:{was.line}: the edit would move {was.address or 'an image'}")
        update = wanted.get(index)
        if _meaning(now) != (_meaning(was) if update is None else _meaning_after(was, update)):
            raise StaleEdit(
                f"{file}:{was.line}: the edit would not give what is wanted here",
                hint="another image may have a part in it, by a YAML alias or by a variable",
            )
    _refuse_changed_problems(file, before.problems, after.problems)
    if before.chart_sources != after.chart_sources:
        raise StaleEdit(f"{file}: the edit would change where charts of the file come from")


def _refuse_changed_problems(file: str, old: Sequence[Problem], new: Sequence[Problem]) -> None:
    """Refuse an edit that would change what is told of a place, and say which place that is."""
    before, after = ([_without_column(each) for each in problems] for problems in (old, new))
    if before == after:
        return
    lost = [each for each in before if each not in after]
    new_ones = [each for each in after if each not in before]
    problem = next(iter([*lost, *new_ones]), None)
    if problem is None:
        raise StaleEdit(f"{file}: the edit would change the order of what is told of the file")
    verb = "would change" if lost else "would lead to"
    place = f"{problem.address} in line {problem.line}" if problem.address else "this line"
    raise StaleEdit(
        f"{file}:{problem.line}: the edit {verb} what cannot be edited at {place}: "
        f"{problem.message}",
        hint="a variable or an alias may be shared with it; give each its own",
    )


def refuse_missing_digests(file: str, updates: Sequence[Update]) -> None:
    """Say so where an image cannot be read any more since its digest has nothing to follow it."""
    for update in updates:
        digests = (slot for slot in update.occurrence.slots if slot.part.is_digest and slot.text)
        if update.digest is None and any(digests):
            raise StaleEdit(
                f"{file}:{update.occurrence.line}: a digest is written here that cannot be "
                "left empty, and the update has none",
                hint="pin the digest, or take it out by hand",
            )


def _place(occurrence: Occurrence) -> tuple[object, ...]:
    """What no edit changes. Columns and offsets behind an edit on the same line do change."""
    # An empty value does not tell which way a digest was written in it.
    parts = tuple(
        Part.DIGEST if slot.part is Part.DIGEST_HEX else slot.part for slot in occurrence.slots
    )
    followers = occurrence.aliases, occurrence.other_markers
    where = occurrence.line, occurrence.address, occurrence.format
    return where, parts, occurrence.marker, followers, occurrence.sourced


def _meaning(occurrence: Occurrence) -> tuple[object, ...]:
    reference = occurrence.reference
    repository = reference.repository if reference else None
    return repository, occurrence.tag, occurrence.digest


def _meaning_after(was: Occurrence, update: Update) -> tuple[object, ...]:
    parts = {slot.part for slot in was.slots}
    repository = was.reference.repository if was.reference else None
    if Part.REFERENCE in parts and was.reference is None:
        repository = update.reference.repository
    if update.name is not None:
        repository = parse_name(update.name)
    tag = (update.tag or None) if any(part.holds_tag for part in parts) else was.tag
    return repository, tag, update.digest


def _without_column(problem: Problem) -> Problem:
    return replace(problem, column=0)
