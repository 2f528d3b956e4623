"""`--tags FILE|-`: the list of tags to work with instead of a registry's."""

import argparse
import sys
from pathlib import Path

from imagebot import tag_lists
from imagebot.errors import UsageError
from imagebot.tag_lists import GivenTag

STDIN = "-"


def add(parser: argparse.ArgumentParser, *, required: bool = False, more: str = "") -> None:
    parser.add_argument(
        "--tags",
        metavar="FILE",
        required=required,
        help="take the tags from a file, or from standard input with -; no registry is asked. "
        "One `TAG [TIME] [DIGEST]` a line, or JSON as registries and skopeo answer" + more,
    )


def read(name: str) -> tuple[GivenTag, ...]:
    """The tags of a file. Raises UsageError that names file and line."""
    if name == STDIN:
        return tag_lists.parse(shown_name(name), sys.stdin.buffer.read(tag_lists.MAX_BYTES + 1))
    try:
        with Path(name).open("rb") as opened:
            source = opened.read(tag_lists.MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}") from error
    return tag_lists.parse(name, source)


def shown_name(name: str) -> str:
    return "<stdin>" if name == STDIN else name
