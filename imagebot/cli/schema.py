"""`imagebot schema`: print the JSON Schema of policy documents or of the settings file."""

import argparse
import json

from imagebot import settings
from imagebot.policy import published_schema


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "schema",
        help="print the JSON Schema of policies or settings",
        description="Prints the JSON Schema (2020-12) that editors complete and check with.",
    )
    parser.add_argument(
        "--settings",
        action="store_true",
        dest="is_settings",
        help="the settings file's instead of the policy documents'",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print it."""
    chosen = settings.json_schema() if arguments.is_settings else published_schema.json_schema()
    print(json.dumps(chosen, indent=2))
    return 0
