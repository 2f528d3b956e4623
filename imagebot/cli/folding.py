"""Lines that fit a terminal without losing a character: words wrap, nothing is cut.

A word longer than the line (a tag may have 128 characters) stays whole, so that it can be copied
and found; the terminal itself folds it.
"""

import shutil
import sys
import textwrap

from rich.text import Text

from imagebot.cli import show
from imagebot.texts import visible_prose

USUAL_WIDTH = 80
MIN_WIDTH, MAX_WIDTH = 40, 120
MAX_TEXT_LENGTH = 2_000  # of one text from outside


def width() -> int:
    """That of the terminal or of $COLUMNS; 80 elsewhere. Wider lines are hard to read."""
    columns = shutil.get_terminal_size((USUAL_WIDTH, 24)).columns
    return min(max(columns, MIN_WIDTH), MAX_WIDTH)


def encoding() -> str:
    """That of stdout: what it cannot show is written as an escape."""
    return sys.stdout.encoding or "utf-8"


def folded(first: str, text: str, indent: int, columns: int) -> list[str]:
    """`first`, then the text; further lines are indented."""
    return textwrap.wrap(
        visible_prose(text, MAX_TEXT_LENGTH),
        columns,
        initial_indent=first,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]


class Lines:
    """Prints folded lines to stdout."""

    def __init__(self) -> None:
        self.columns = width()
        self._console = show.stdout_console()

    def heading(self, text: str) -> None:
        for line in folded("", text, 2, self.columns):
            self._print(line, "bold")

    def labelled(self, label: str, text: str, indent: int = 12) -> None:
        """`  label     text`."""
        first = f"  {label}".ljust(indent - 1) + " "
        for line in folded(first, text, indent, self.columns):
            self._print(line)

    def item(self, first: str, text: str, indent: int) -> None:
        for line in folded(first, text, indent, self.columns):
            self._print(line)

    def blank(self) -> None:
        self._print("")

    def _print(self, line: str, style: str = "") -> None:
        safe = line.encode(encoding(), "backslashreplace").decode(encoding())
        self._console.print(Text(safe, style), soft_wrap=True)
