"""The order `numeric`: exact, for build numbers, timestamps and decimal fractions of any size.

Pure. `1.10` is one and a tenth, so `1.9` is higher: who means versions takes the order semver.
"""

import re

from imagebot.selection.shapes import Shape

Number = tuple[int, str]
"""Sorts as the number does: the whole part, then the fraction's digits without ending zeros."""

_NUMBER = re.compile(r"([0-9]+)(?:\.([0-9]+))?")


def read_number(text: str) -> Number | None:
    """The value of a text that is a number and nothing else; `nan`, `1e9` and `0x1f` are none."""
    found = _NUMBER.fullmatch(text)
    return (int(found[1]), (found[2] or "").rstrip("0")) if found else None


def number_in(shape: Shape, tag: str) -> str:
    """The only number that a tag of this shape holds, "" where it holds none or several."""
    found = shape.numbers(tag) or ()
    is_fraction = len(found) == 2 and "#.#" in shape.text
    return ".".join(found) if len(found) == 1 or is_fraction else ""
