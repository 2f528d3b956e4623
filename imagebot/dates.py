"""The order `date`: calendar days, times and calendar versions inside tags.

Pure. A layout says where the parts of a date stand, with the letters of C's strptime:

    %Y  year, 4 digits      %m  month    %d  day      %j  day of the year, 3 digits
    %y  year, 2 digits      %H  hour     %M  minute   %S  second     %f  fraction of a second
    %G  ISO year, 4 digits  %V  ISO week              %s  seconds since 1970, 10 digits
    %N  a count of any number of digits: the 3 of 2024.10.3

%m %d %H %M %S %V take one digit or two, and two where another part follows or precedes directly.
What is not after a `%` stands for itself. A layout is searched in the tag; it may not begin or
end in the middle of a longer number.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple

from imagebot.errors import PolicyError

MAX_LAYOUT_LENGTH = 100

DateKey = tuple[int, int, int, int, int, int, int, int]
"""Year, month, day, hour, minute, second, fraction (in 10^-9), count."""

_PARTS = {
    "Y": "[0-9]{4}",
    "G": "[0-9]{4}",
    "y": "[0-9]{2}",
    "j": "[0-9]{3}",
    "m": "[0-9]{1,2}",
    "d": "[0-9]{1,2}",
    "H": "[0-9]{1,2}",
    "M": "[0-9]{1,2}",
    "S": "[0-9]{1,2}",
    "V": "[0-9]{1,2}",
    "f": "[0-9]{1,9}",
    "s": "[0-9]{10}",
    "N": "[0-9]{1,18}",
}
_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_NEEDED = ("Y", "y", "G", "s")  # one of them begins every date
_NOT_INSIDE_A_NUMBER = (r"(?<![0-9])(?<![0-9]\.)", r"(?!\.?[0-9])")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a date stand. Equal and shown by its text."""

    text: str
    _pattern: re.Pattern[str] = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> "Layout":
        """Raises PolicyError that names what is wrong, and what is allowed."""
        if len(text) > MAX_LAYOUT_LENGTH:
            raise PolicyError(f"a layout has at most {MAX_LAYOUT_LENGTH} characters")
        _refuse_parts_without_effect(text)
        return cls(text, re.compile(_pattern_of(text)))

    def __str__(self) -> str:
        return self.text

    def find(self, tag: str) -> "FoundDate | None":
        """The first place in a tag where a real date stands in this layout."""
        for found in self._pattern.finditer(tag):
            key = _key(found.groupdict())
            if key:
                return FoundDate(key, found.start(), found.end(), self)
        return None

    def read(self, text: str) -> DateKey | None:
        """The date that a text is, with nothing before or behind."""
        found = self._pattern.fullmatch(text)
        return _key(found.groupdict()) if found else None


class FoundDate(NamedTuple):
    """A date in a tag: what stands there and where."""

    key: DateKey
    start: int
    end: int
    layout: Layout


def _pattern_of(text: str) -> str:
    found = list(_DIRECTIVE.finditer(text))
    for each in found:
        if each[1] not in _PARTS:
            raise PolicyError(
                f"layout {text!r}: unknown part {each[0]!r}",
                hint="parts: " + " ".join(f"%{letter}" for letter in _PARTS),
            )
    letters = [each[1] for each in found]
    twice = next((letter for letter in letters if letters.count(letter) > 1), None)
    if twice:
        raise PolicyError(f"layout {text!r}: %{twice} stands there twice")
    if not set(letters) & set(_NEEDED):
        raise PolicyError(
            f"layout {text!r} has no year", hint="write one of %Y, %y, %G (ISO year) or %s"
        )
    before, behind = _NOT_INSIDE_A_NUMBER
    return before + _body(text, found) + behind


# Parts that cannot stand together: one of them would be passed over, and dates be equal.
_TOGETHER = (
    ("V", "YymdjN", "write %G for the year of an ISO week, and neither month nor day"),
    ("G", "YymdjN", "write %G with %V alone, or %Y with %m and %d"),
    ("j", "md", "write either %j or %m and %d"),
    ("Y", "y", "write the year once"),
)


def _refuse_parts_without_effect(text: str) -> None:
    letters = set(re.findall(r"%([A-Za-z])", text))
    for letter, others, hint in _TOGETHER:
        wrong = sorted(letters & set(others)) if letter in letters else []
        if wrong:
            raise PolicyError(
                f"layout {text!r}: %{wrong[0]} has no effect with %{letter}", hint=hint
            )


def _body(text: str, found: list[re.Match[str]]) -> str:
    pieces = []
    at = 0
    for index, each in enumerate(found):
        literal, letter = text[at : each.start()], each[1]
        follows = index + 1 < len(found) and found[index + 1].start() == each.end()
        touches = (index > 0 and not literal) or follows
        pattern = _PARTS[letter].replace("{1,2}", "{2}") if touches else _PARTS[letter]
        pieces.append(f"{re.escape(literal)}(?P<{letter}>{pattern})")
        at = each.end()
    return "".join(pieces) + re.escape(text[at:])


def _key(parts: dict[str, str]) -> DateKey | None:
    """None where no calendar has such a day or no clock such a time."""
    number = {letter: int(text) for letter, text in parts.items() if letter != "f"}
    fraction = int(parts["f"].ljust(9, "0")) if "f" in parts else 0
    try:
        day, (hour, minute, second) = _day(number), _time(number)
    except ValueError:
        return None
    if hour > 23 or minute > 59 or second > 60:  # a leap second
        return None
    return (*day, hour, minute, second, fraction, number.get("N", 0))


def _day(number: dict[str, int]) -> tuple[int, int, int]:
    """Year, month, day; 0 where the layout has no month or no day."""
    if "s" in number:
        moment = datetime.fromtimestamp(number["s"], UTC)
        return moment.year, moment.month, moment.day
    if "G" in number:
        monday = date.fromisocalendar(number["G"], number.get("V", 1), 1)
        return number["G"], monday.toordinal(), 0  # not the month: week 1 may begin in December
    year = number["Y"] if "Y" in number else 2000 + number["y"]
    if "j" in number:
        ordinal = date(year, 1, 1).toordinal() + number["j"] - 1
        found = date.fromordinal(ordinal)
        if found.year != year:
            raise ValueError("no such day in the year")
        return year, found.month, found.day
    month, day = number.get("m", 0), number.get("d", 0)
    date(year, month if "m" in number else 1, day if "d" in number else 1)
    return year, month, day


def _time(number: dict[str, int]) -> tuple[int, int, int]:
    if "s" in number:
        moment = datetime.fromtimestamp(number["s"], UTC)
        return moment.hour, moment.minute, moment.second
    return number.get("H", 0), number.get("M", 0), number.get("S", 0)


_WELL_KNOWN = (  # from the longest to the shortest: the first that fits says what a tag holds
    "%Y-%m-%dT%H-%M-%SZ",
    "%Y-%m-%dT%H%M%SZ",
    "%Y-%m-%d-%H-%M-%S",
    "%Y-%m-%d-%H%M%S",
    "%Y-%m-%d-%H%M",
    "%Y-%m-%d",
    "%Y_%m_%d",
    "%Y%m%dT%H%M%SZ",
    "%Y%m%dT%H%M%S",
    "%Y%m%d-%H%M%S",
    "%Y%m%d-%H%M",
    "%Y%m%d_%H%M%S",
    "%Y%m%d_%H%M",
    "%Y%m%d%H%M%S%f",
    "%Y%m%d%H%M%S",
    "%Y%m%d%H%M",
    "%Y%m%d.%N",
    "%Y%m%d",
    "%Y.%m.%d.%N",
    "%Y.%m.%N",
    "%Y.%m",
    "%Y-%m",
    "%Gw%V",
    "%G-w%V",
    "%G-W%V",
    "%GW%V",
    "%s",
    "%y.%m.%N",
    "%y.%m",
)
_YEARS = range(1990, 2100)


@lru_cache(maxsize=1)
def _well_known() -> tuple[Layout, ...]:
    return tuple(Layout.parse(text) for text in _WELL_KNOWN)


# What every one of them holds, to turn most other tags away in one look.
_MAY_BE_DATED = re.compile(r"(?:19|20)[0-9]{2}|[0-9]{10}|[0-9]{2}\.[0-9]")


def find_well_known(tag: str) -> FoundDate | None:
    """The date in a tag in one of the usual layouts, from 1990 to 2099."""
    if not _MAY_BE_DATED.search(tag):
        return None
    for layout in _well_known():
        found = layout.find(tag)
        if found and found.key[0] in _YEARS:
            return found
    return None
