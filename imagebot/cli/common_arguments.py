"""Arguments that several commands share, and the settings they lead to."""

import argparse
import os
from collections.abc import Collection
from pathlib import Path

from imagebot import settings
from imagebot.settings import Settings


def add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="settings of the process (default: $IMAGEBOT_SETTINGS, or none)",
    )


def add_path(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path",
        nargs="?",
        type=Path,
        default=Path(),
        metavar="PATH",
        help="a checkout of a git repository, or a folder in it (default: here)",
    )


TO_RECONCILE = (
    *("repositories", "owners", "registries", "author", "store"),
    "dockerConfig",
)
"""Keys of the settings whose secrets a look at git repositories needs: it tells nobody, and
nobody wakes it."""


def load_settings(
    arguments: argparse.Namespace, needs: Collection[str] | None = TO_RECONCILE
) -> Settings:
    """The settings, with the secrets below the keys that the command needs. None: all."""
    return settings.load(arguments.settings, os.environ, needs=needs)
