"""What the policy's `suffix: newer` makes of a reading: numbers of the suffix that may rise.

Pure.

    as_newer_suffix(reading)      the reading to compare
    suffix_falls(found, current)  whether that would take an older suffix

In the family of `as_newer_suffix` every number of the suffix is `#`, in its key the numbers come
before the counters, so that of one version `-alpine3.20` is above `-alpine3.17`. Beside equal
families and a higher key, `suffix_falls(found, current)` must be false: a higher version with an
older suffix is not wanted.
"""

import re
from functools import lru_cache

from imagebot.selection.families import Family, TagReading, family_of
from imagebot.selection.suffixes import shape_of


def as_newer_suffix(reading: TagReading) -> TagReading:
    """The reading with the numbers of its suffix taken from the family into the key."""
    family, key = reading.family, reading.key
    shape, numbers = shape_of(family.suffix)
    if not numbers:
        return reading
    at = _counters_at(family)
    flat = [number for parts in numbers for number in parts]
    loose = (*key[:at], *flat, *key[at:])
    return TagReading(
        reading.text, loose, family_of(family.prefix, family.part_count, shape, family.scheme)
    )


def suffix_falls(found: TagReading, current: TagReading) -> bool:
    """Whether some number of the suffix is lower than the current's: 3.19 beside 3.20. Both as
    `as_newer_suffix` gave them, and of equal family."""
    at = _counters_at(found.family)
    for length in _lengths_of_numbers(found.family.suffix):
        if found.key[at : at + length] < current.key[at : at + length]:
            return True
        at += length
    return False


def _counters_at(family: Family) -> int:
    """Where in a key the counters begin: behind the further numbers of a version."""
    return 4 + max(0, family.part_count - 3)


@lru_cache(maxsize=1024)
def _lengths_of_numbers(shape: str) -> tuple[int, ...]:
    return tuple(len(found[0]) // 2 + 1 for found in re.finditer(r"#(?:\.#)*", shape))
