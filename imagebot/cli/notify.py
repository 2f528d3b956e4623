"""`imagebot notify test`: send a message to each notification, and say who got it."""

import argparse
import threading
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from rich.markup import escape

from imagebot import apprising
from imagebot.cli import common_arguments, show
from imagebot.errors import UsageError
from imagebot.settings_model import NotificationSettings

PATIENCE_SECONDS = 30.0
_TITLE = "imagebot: a test"
_BODY = "- this is a test of imagebot; nothing changed"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("notify", help="try out who is told what changed")
    actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    test = actions.add_parser(
        "test",
        help="send a test message to each notification of the settings",
        description="Sends a test message to each notification of the settings, and says what "
        "came of it. The exit code is 1 when one was not taken.",
    )
    test.add_argument(
        "names", nargs="*", metavar="NAME", help="names of notifications (default: all)"
    )
    common_arguments.add_settings(test)
    test.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    settings = common_arguments.load_settings(arguments, needs=["notifications"])
    chosen = _chosen(settings.notifications, arguments.names)
    console = show.stdout_console()
    has_failed = False
    for each in chosen:
        trouble = _sent(each)
        has_failed |= bool(trouble)
        console.print(escape(f"{each.name}: {f'failed: {trouble}' if trouble else 'sent'}"))
    return 1 if has_failed else 0


def _chosen(
    known: Sequence[NotificationSettings], names: Sequence[str]
) -> Sequence[NotificationSettings]:
    if not known:
        raise UsageError(
            "nobody is to be told anything",
            hint="list somebody under `notifications` in the settings (docs/notifications.md)",
        )
    for name in names:
        if name not in [each.name for each in known]:
            listed = ", ".join(each.name for each in known)
            raise UsageError(f"no notification is called {name!r}", hint=f"known: {listed}")
    return [each for each in known if not names or each.name in names]


def _sent(notification: NotificationSettings) -> str:
    """Why it was not sent, or "". A service that hangs is given up, in a thread of its own."""
    said: SimpleQueue[str] = SimpleQueue()

    def send() -> None:
        said.put(apprising.send(notification.name, notification.url, _TITLE, _BODY))

    threading.Thread(target=send, name="notify test", daemon=True).start()
    try:
        return said.get(timeout=PATIENCE_SECONDS)
    except Empty:
        return f"the service did not answer within {PATIENCE_SECONDS:g} s"
