"""`imagebot hooks`: addresses to paste into a sender, and how a delivery would be read."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from imagebot.cli import common_arguments
from imagebot.delivery import Delivery, Head
from imagebot.errors import UsageError
from imagebot.hook_senders import SENDERS, Auth, proof
from imagebot.hooks import READERS
from imagebot.hooks.proof import url_token
from imagebot.hooks.reading import Image, Project, repository
from imagebot.hooks.receiving import PATH
from imagebot.settings import HookSettings

_MAX_FILE_BYTES = 1024 * 1024
_BINARY_ATTRIBUTES = "such as X-GitHub-Event: push"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "hooks",
        help="show the addresses of webhooks, and how a delivery is read",
        description="Webhooks wake imagebot as soon as something was pushed or said. See "
        "docs/webhooks.md.",
    )
    inner = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_url(inner)
    _add_list(inner)
    _add_read(inner)


def _add_url(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "url",
        help="print the address to paste into a sender",
        description="Prints the address of a receiver of the settings. With auth: url a part of "
        "it is derived from the secret: treat it like the secret.",
    )
    parser.add_argument("name", metavar="NAME", help="NAME or SENDER/NAME, as in the settings")
    parser.add_argument(
        "--base",
        metavar="URL",
        help="where senders reach imagebot, such as https://imagebot.example.org "
        "(default: the address that it listens on)",
    )
    common_arguments.add_settings(parser)
    parser.set_defaults(run=print_url)


def _add_list(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "list", help="list the receivers of the settings, and how each sender proves itself"
    )
    common_arguments.add_settings(parser)
    parser.set_defaults(run=print_list)


def _add_read(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "read",
        help="show what a delivery would wake",
        description="Reads the body of a delivery as the receiver would, and prints what it hints "
        "at. Nothing is sent, asked or written.",
    )
    parser.add_argument("sender", choices=sorted(SENDERS), metavar="SENDER", help="its kind")
    parser.add_argument("path", metavar="FILE", help="the body; - for standard input")
    parser.add_argument(
        "--header",
        action="append",
        default=[],
        metavar="NAME:VALUE",
        help=f"a header of the request, {_BINARY_ATTRIBUTES}",
    )
    parser.add_argument(
        "--registry", default="", metavar="HOST[/PREFIX]", help="as `registry` in the settings"
    )
    parser.set_defaults(run=print_reading)


def print_url(arguments: argparse.Namespace) -> int:
    settings = common_arguments.load_settings(arguments, needs=["hooks"])
    hook = named(settings.hooks, arguments.name)
    listen = settings.listen
    host = f"[{listen.host}]" if ":" in listen.host else listen.host
    base = arguments.base or f"http://{host}:{listen.port}"
    if "://" not in base:
        raise UsageError(f"not an address: {base!r}", hint="write https://imagebot.example.org")
    print(base.rstrip("/") + path_of(hook))
    return 0


def path_of(hook: HookSettings) -> str:
    """The path of a receiver's address, with what is derived from its present secret."""
    path = f"{PATH}{hook.sender}/{hook.name}"
    if hook.auth is not Auth.URL:
        return path
    return f"{path}/{url_token(hook.secrets[0], hook.sender, hook.name)}"


def named(hooks: Sequence[HookSettings], name: str) -> HookSettings:
    """The one that is meant. Raises UsageError."""
    found = [each for each in hooks if name in (each.name, f"{each.sender}/{each.name}")]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{each.sender}/{each.name}" for each in found or hooks) or "none"
    what = "more than one hook is" if found else "no hook is"
    raise UsageError(f"{what} called {name!r}", hint=f"in the settings: {listed}")


def print_list(arguments: argparse.Namespace) -> int:
    for hook in common_arguments.load_settings(arguments, needs=[]).hooks:
        more = f", as {hook.registry}" if hook.registry else ""
        way = proof(SENDERS[hook.sender], hook.auth).replace("`", "")
        print(f"{hook.sender}/{hook.name}: {way}{more}")
    return 0


def print_reading(arguments: argparse.Namespace) -> int:
    headers = dict(_header(each) for each in arguments.header)
    delivery = Delivery(Head("POST", PATH, headers), _source(arguments.path))
    reading = READERS[arguments.sender](delivery)
    for hint in reading.hints:
        if isinstance(hint, Project):
            print(f"git project {hint.path}" + (f" at {hint.host}" if hint.host else ""))
        else:
            print(_shown(hint, arguments.registry))
    if not reading.hints:
        print(f"nothing: {reading.ignored}")
    return 0


def _shown(hint: Image, registry: str) -> str:
    found = repository(hint, registry)
    if found is not None:
        return f"image repository {found}"
    why = "it is no image name" if registry or hint.host else "its registry is not told: --registry"
    return f"nothing for {hint.path!r}: {why}"


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise UsageError(f"not a header: {text!r}", hint=f"write NAME:VALUE, {_BINARY_ATTRIBUTES}")
    return name.strip().lower(), value.strip()


def _source(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read(_MAX_FILE_BYTES)
    try:
        with Path(path).open("rb") as opened:
            return opened.read(_MAX_FILE_BYTES)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
