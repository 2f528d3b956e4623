"""Values under markers that no format knows: those that belong together become one image.

Pure. Name, tag and digest under one policy in one mapping or list are one image, with the digest
that stands beside them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from imagebot.errors import InvalidReference
from imagebot.formats.beside import Unnamed, take_digest
from imagebot.formats.joined import joined
from imagebot.formats.listed import home_of, key_in
from imagebot.formats.marked import Reading
from imagebot.formats.marked_values import Value
from imagebot.formats.page import Page
from imagebot.formats.siblings import Templated, Unclear
from imagebot.formats.sighting import Piece, add, value_of, whole
from imagebot.formats.walk import scalar_at
from imagebot.model import Marker, Part
from imagebot.yaml_nodes import Collection, Scalar


class Marked(NamedTuple):
    """A value under a marker that no other format knows."""

    value: Value
    marker: Marker
    reading: Reading


def groups_of(marked: Sequence[Marked]) -> list[list[Marked]]:
    """Name, tag and digest under one policy in one mapping or list belong together.

    A digest beside a whole reference is joined to it later, wherever it stands.
    """
    groups: dict[tuple[int, str], list[Marked]] = {}
    alone: list[list[Marked]] = []
    for item in marked:
        group = groups.setdefault((id(_home(item.value)), item.marker.policy), [])
        parts = {other.reading.part for other in group}
        is_whole = item.reading.part is Part.REFERENCE
        if is_whole or item.reading.part in parts:
            alone.append([item])
        else:
            group.append(item)
    return [*alone, *(group for group in groups.values() if group)]


def add_marked(page: Page, format_name: str, group: list[Marked], unnamed: Unnamed) -> None:
    first = group[0].value
    parts, tag, digest, reference = joined((item.value.scalar, item.reading) for item in group)
    if Part.REFERENCE not in parts:
        name = reference.name if reference else _name_beside(parts, first.parent, unnamed)
        reference = whole(name, tag, digest) if name else None
    try:
        key = key_in(first.parent, first.scalar, first.key)
        digest = take_digest(parts, _home(first), key, unnamed, _above(first)) or digest
    except (Unclear, Templated, InvalidReference) as reason:
        message = f"a marked value cannot be updated: {reason}"
        offset = first.document.byte_offset(first.scalar.start)
        is_warning = group[0].marker.is_sentence
        image = str(reference.repository) if reference else ""
        page.report(offset, message, hint=reason.hint, is_warning=is_warning, image=image)
        return
    if reference is not None:
        reference = whole(reference.name, tag, digest)
    count = len(page.occurrences)
    add(
        page,
        first.document,
        first.path,
        format_name,
        parts,
        reference,
        (tag, digest),
        first.anchored,
        is_asked_for=not group[0].marker.is_sentence,
    )
    if len(page.occurrences) > count:
        page.occurrences[-1] = replace(page.occurrences[-1], marker=group[0].marker)


def _home(value: Value) -> Collection:
    return home_of(value.parent, value.above)


def _above(value: Value) -> tuple[str, Collection] | None:
    """The key under which the mapping of a value stands, and what holds that."""
    if value.above is None or value.path.parent is None:
        return None
    return value.path.parent.key, value.above


def _name_beside(parts: dict[Part, Scalar | Piece], parent: Collection, unnamed: Unnamed) -> str:
    """The name that an unmarked sibling gives to a marked tag or digest."""
    if not parent.is_mapping:
        return ""
    scalar = scalar_at(unnamed.all_of(parent), "repository")
    if scalar is None or whole(value_of(scalar), None, None) is None:
        return ""
    parts[Part.NAME] = scalar
    return value_of(scalar)
