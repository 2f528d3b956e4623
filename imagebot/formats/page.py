"""One file while it is read: what was seen in it so far, and the texts inside its values.

Pure but for the page itself, which the formats write on.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from imagebot.image import ImageReference
from imagebot.model import ChartSource, Kustomization, Occurrence, Problem, Slot, Span, Style
from imagebot.yaml_nodes import Reading
from imagebot.yaml_places import Lines

_MAX_PROBLEMS = 500  # told of one file
ASKS_FOR_MARKER = re.compile(r"put a marker on (?:it|the v)")  # in hints that one answers
MAX_OCCURRENCES = 10_000  # in one file


class Embedded(NamedTuple):
    """Documents that were read in the text of a block scalar."""

    start: int  # of the text, in bytes of the file
    end: int
    reading: Reading
    address: str  # of the scalar
    aliases: tuple[int, ...] = ()  # lines where the scalar is repeated


@dataclass(slots=True)
class Page:
    """One file while it is read, and what was seen in it so far."""

    file: str
    source: bytes
    lines: Lines
    occurrences: list[Occurrence] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    chart_sources: list[ChartSource] = field(default_factory=list)
    kustomizations: list[Kustomization] = field(default_factory=list)
    embedded: list[Embedded] = field(default_factory=list)
    helm_registries: dict[str, str] = field(default_factory=dict)  # by their names in a helmfile
    charts_waiting: list[tuple[str, Callable[[str], None]]] = field(
        default_factory=list
    )  # for them
    depth: int = 0  # how many block scalars surround the document that is read
    alias_lines_left: int = 20_000  # that may be told of the whole file before it is cut short
    is_json: bool = False
    is_in_json: bool = False  # the text that is read, in whatever file, is JSON throughout
    is_in_double: bool = False  # the text that is read stands in double quotes
    _held: dict[bytes, bool] = field(default_factory=dict)
    _places: set[tuple[str, frozenset[Span]]] = field(default_factory=set)

    def report(
        self,
        offset: int,
        message: str,
        *,
        hint: str = "",
        address: str = "",
        is_warning: bool = True,
        image: str = "",
    ) -> None:
        """Tell a problem. An error, not a warning, is one where somebody asked for an update."""
        if len(self.problems) == _MAX_PROBLEMS:
            message = f"more than {_MAX_PROBLEMS} problems in one file, and only the first are told"
            self.problems.append(Problem(self.file, 0, 0, message, is_warning=True))
        if len(self.problems) > _MAX_PROBLEMS:
            return
        line, column = self.lines.number(offset), self.lines.column(offset)
        problem = Problem(self.file, line, column, message, hint, address, is_warning, image)
        if problem not in self.problems[-4:]:
            self.problems.append(problem)

    @property
    def name(self) -> str:
        """The file's name without its folders; "" where a text inside a scalar is read."""
        return "" if self.depth else self.file.rpartition("/")[2]

    def holds(self, word: bytes) -> bool:
        """Whether the file has a word anywhere; it is searched once, not once a document."""
        if word not in self._held:
            self._held[word] = word in self.source
        return self._held[word]

    @property
    def plain_style(self) -> Style:
        """How a value without quotes is written, which says what quotes it may get."""
        if self.is_json or self.is_in_json:
            return Style.JSON_IN_DOUBLE if self.is_in_double else Style.JSON
        return Style.PLAIN_IN_DOUBLE if self.is_in_double else Style.PLAIN

    @property
    def is_full(self) -> bool:
        """Whether it holds more than any file that a person could review; none is used then."""
        return len(self.occurrences) > MAX_OCCURRENCES

    def too_many(self) -> Problem:
        """What is told of a page that is full."""
        message = f"more than {MAX_OCCURRENCES:,} images in one file, so none is used"
        return Problem(self.file, 1, 1, message, is_warning=True)

    def is_new(self, reference: ImageReference | None, slots: Iterable[Slot]) -> bool:
        """Whether the image has no occurrence at these very places yet, and there is still room.

        Two images may have all places in common: a kustomize name is no place.
        """
        key = reference.name if reference else "", frozenset(slot.span for slot in slots)
        if key in self._places or self.is_full:
            return False
        self._places.add(key)
        return True


@contextmanager
def inside(
    page: Page, address: str, format_name: str = "", aliases: tuple[int, ...] = ()
) -> Iterator[None]:
    """Whatever is found meanwhile stands in the text of the scalar at `address`."""
    counts = len(page.occurrences), len(page.problems), len(page.embedded)
    page.depth += 1
    yield
    page.depth -= 1
    page.occurrences[counts[0] :] = [
        replace(
            item,
            address=_joined(address, item.address),
            format=format_name or item.format,
            aliases=tuple(sorted({*item.aliases, *aliases})),
        )
        for item in page.occurrences[counts[0] :]
    ]
    page.problems[counts[1] :] = [
        replace(item, address=_joined(address, item.address)) for item in page.problems[counts[1] :]
    ]
    page.embedded[counts[2] :] = [
        item._replace(
            address=_joined(address, item.address),
            aliases=tuple(sorted({*item.aliases, *aliases})),
        )
        for item in page.embedded[counts[2] :]
    ]


def _joined(outer: str, inner: str) -> str:
    return outer + (inner if not inner or inner.startswith("[") else f".{inner}")
