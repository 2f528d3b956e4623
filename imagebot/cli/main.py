"""Parse arguments, run one command, print errors in one place, give back the exit code."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path

import shtab

from imagebot import __version__
from imagebot.cli import output
from imagebot.errors import ImagebotError, OutputError

# In the order of --help; the module of `imagebot.cli` that adds each command and runs it.
_COMMANDS = {
    **{name: name for name in ("check", "inventory", "plan", "apply", "run", "explain")},
    **{name: name for name in ("policy", "discover", "notify", "status")},
    "set": "set_reference",
    **{name: name for name in ("hooks", "schema", "demo")},
}

_EPILOG = """\
exit codes: 0 done, 1 other failure, 2 usage or settings, 3 policy or reference,
4 registry, 5 forge, 6 git, 10 changes pending (plan --exit-code)
"""


def parser(names: Iterable[str] = _COMMANDS) -> argparse.ArgumentParser:
    """The command line with these commands, all by default; docs and completion are checked by it.

    Only their modules are read: half of imagebot's start would be spent on the others'.
    """
    top = argparse.ArgumentParser(
        prog="imagebot",
        description="Watches registries, edits image references in Git byte-exactly, opens "
        "pull requests.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"imagebot {__version__}")
    shtab.add_argument_to(top, ["--print-completion"])
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in names:
        import_module(f"imagebot.cli.{_COMMANDS[name]}").add(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Never raises what a user could cause."""
    if sys.stdout is None:  # `>&-`: Python finds no file there
        print("imagebot: standard output is closed; send it to /dev/null", file=sys.stderr)
        return OutputError.exit_code
    try:
        return _run(argv)
    except ImagebotError as error:
        if isinstance(error, OutputError):
            output.drop()
        print(f"imagebot: {error}", file=sys.stderr)
        if error.hint:
            print(f"  hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("imagebot: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `imagebot plan | head`: the reader has seen enough
        output.drop()
        return 0


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = parse(argv)
        code: int = arguments.run(arguments)
    except SystemExit:  # after --help, --version and what is no command
        sys.stdout.flush()
        raise
    sys.stdout.flush()
    return code


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Like `parse_args`, and takes PATH behind an option too: `set IMAGE=:2.0 --dry-run apps/`.

    Before Python 3.13 argparse gives an optional positional up at the first option.
    """
    words = sys.argv[1:] if argv is None else argv
    named = words[0] if words else ""
    top = parser([named] if named in _COMMANDS else [] if named == "--version" else _COMMANDS)
    arguments, rest = top.parse_known_args(argv)
    if len(rest) == 1 and not rest[0].startswith("-") and vars(arguments).get("path") == Path():
        arguments.path = Path(rest[0])
    elif rest:
        top.error(f"unrecognized arguments: {' '.join(rest)}")
    return arguments


def entry_point() -> None:
    """The `imagebot` script."""
    output.check()
    sys.exit(main())
