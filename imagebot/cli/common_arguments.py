"""Arguments that several commands share, and the settings they lead to."""

import argparse
import os
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


def load_settings(arguments: argparse.Namespace) -> Settings:
    return settings.load(arguments.settings, os.environ)
