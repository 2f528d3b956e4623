"""`imagebot discover`: which git repositories owners have, and which of them are looked after."""

import argparse
import json

from rich.markup import escape
from rich.table import Table

from imagebot import clients
from imagebot.cli import common_arguments, show
from imagebot.fleet import Fleet
from imagebot.texts import visible


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "discover",
        help="list the git repositories of the owners in the settings",
        description="Asks each owner of the settings for git repositories, and says which are "
        "taken and why the others are not. Changes nothing.",
    )
    common_arguments.add_settings(parser)
    parser.add_argument(
        "-o", "--output", choices=("table", "json"), default="table", help="default: table"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    settings = common_arguments.load_settings(arguments)
    with clients.build(settings) as built:
        fleet = built.look()
    if arguments.output == "json":
        print(json.dumps(_as_json(fleet), indent=2))
    else:
        _print(fleet)
    return min((error.exit_code for error in fleet.troubles.values()), default=0)


def _as_json(fleet: Fleet) -> dict[str, object]:
    taken = [
        {"name": name, "project": item.forge.project or None, "url": item.url}
        for name, item in fleet.repositories.items()
    ]
    left = [{"project": project, "reason": reason} for project, reason in fleet.left.items()]
    troubles = {owner: str(error) for owner, error in fleet.troubles.items()}
    return {"repositories": taken, "left": left, "troubles": troubles}


def _print(fleet: Fleet) -> None:
    console = show.stdout_console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in ("NAME", "REPOSITORY", "TAKEN"):
        table.add_column(header, overflow="fold", no_wrap=not console.is_terminal)
    for name, item in fleet.repositories.items():
        table.add_row(_safe(name), _safe(item.forge.project or item.url), "yes")
    for project, reason in fleet.left.items():
        table.add_row("", _safe(project), _safe(f"no: {reason}"))
    console.print(table)


def _safe(text: str) -> str:
    """A forge's text: its control characters would act on the terminal, its brackets as markup."""
    return escape(visible(text, show.ROW_WIDTH))
