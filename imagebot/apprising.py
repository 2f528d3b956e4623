"""Send a message to wherever an Apprise URL says. The one room that knows Apprise, an extra.

Does I/O: whatever the URL asks for, over the network. The URL is a secret, and what the libraries
say of it may hold it: their logs go nowhere, and a failure is told in our words alone. Apprise
itself answers yes or no; why not is read from what it would have logged.
"""

import importlib.util
import logging
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from imagebot.errors import SettingsError
from imagebot.secret import Secret

# They act on the machine that imagebot runs on, or run what the URL names.
_LOCAL = frozenset(
    {
        *("dbus", "kde", "qt", "glib", "gnome", "macosx", "windows"),
        *("syslog", "rsyslog", "sockets"),
    }
)

# Apprise's services word it alike: "error=403." and "Socket Exception: " with the library's text.
_STATUS = re.compile(r"\berror=([345]\d\d)\b")
_SOCKET = re.compile(r"Socket Exception|Connection error", re.IGNORECASE)
_TIMED_OUT = re.compile(r"timed out", re.IGNORECASE)
_SECONDS = re.compile(r"timeout=(\d+(?:\.\d+)?)")
_NOT_CONNECTED = {
    re.compile(r"Connection refused"): "nobody listens there",
    re.compile(r"Name or service not known|Failed to resolve|No address associated"): (
        "its host has no address"
    ),
    re.compile(r"CERTIFICATE_VERIFY_FAILED"): "its certificate is not trusted",
}
_MAX_SAID = 50
_MAX_CHARACTERS = 2000


def check(name: str, url: Secret) -> None:
    """Raise SettingsError where Apprise is missing or takes the URL for none."""
    _service(name, url)


def send(name: str, url: Secret, title: str, body: str) -> str:
    """Send it. Why the service did not take it, in a few words, or "" when it did.

    Blocks for as long as the service and Apprise's time-outs let it.
    """
    try:
        service = _service(name, url)
        with _overheard.listening() as said:
            is_taken = service.notify(body=body, title=title, body_format="text")
    except SettingsError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 a hundred services, each with libraries of its own
        return f"a fault of its kind: {type(error).__name__}"
    return "" if is_taken else why_not(said)


def why_not(said: Sequence[str]) -> str:
    """What went wrong, from what Apprise said while it sent. Nothing of its text is passed on."""
    text = "\n".join(said)
    if found := _STATUS.search(text):
        if found[1].startswith("3"):
            return f"the service sends elsewhere, with status {found[1]}: name that address"
        return f"the service refused it with status {found[1]}"
    if _TIMED_OUT.search(text):
        seconds = _SECONDS.search(text)
        within = f"within {float(seconds[1]):g} s" if seconds else "in time"
        return f"the service did not answer {within}"
    for pattern, reason in _NOT_CONNECTED.items():
        if pattern.search(text):
            return f"could not connect: {reason}"
    if _SOCKET.search(text):
        return "could not connect, or the connection was lost"
    return "the service did not take it, or could not be reached"


def _service(name: str, url: Secret) -> Any:
    if importlib.util.find_spec("apprise") is None:
        raise SettingsError(
            f"notification {name!r} needs Apprise, which is not installed",
            hint='install it: pip install "imagebot[notify]"',
        )
    import apprise  # takes a third of a second, and nobody pays it who does not notify

    _silence()
    text = url.reveal()
    scheme = text.partition("://")[0].lower()
    if scheme in _LOCAL:
        raise SettingsError(f"notification {name!r} would act on this machine alone")
    asset = apprise.AppriseAsset(
        app_id="imagebot",
        app_desc="imagebot",
        app_url="",
        async_mode=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        http_redirects=False,
    )
    service = apprise.Apprise.instantiate(text, asset=asset, suppress_exceptions=True)
    if service is None:
        raise SettingsError(
            f"notification {name!r} names no URL that Apprise knows",
            hint="see docs/notifications.md",
        )
    # Whatever the URL says of it: what is sent elsewhere arrives without its body, as a GET whose
    # answer looks like success, and a service could have us ask any address in the cluster.
    service.redirects = False
    return service


def _silence() -> None:
    for name in ("requests_oauthlib", "oauthlib", "charset_normalizer"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [logging.NullHandler()]
        logger.propagate = False
        logger.disabled = True
    logger = logging.getLogger("apprise")
    logger.handlers[:] = [_overheard]
    logger.propagate = False
    logger.setLevel(logging.DEBUG)  # at which it tells what the socket said


class _Overheard(logging.Handler):
    """Keeps what is said in a thread that listens, for as long as it does, and prints nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._of_thread = threading.local()

    @contextmanager
    def listening(self) -> Iterator[list[str]]:
        said: list[str] = []
        self._of_thread.said = said
        try:
            yield said
        finally:
            del self._of_thread.said

    def emit(self, record: logging.LogRecord) -> None:
        said = getattr(self._of_thread, "said", None)
        if said is not None and len(said) < _MAX_SAID:
            said.append(record.getMessage()[:_MAX_CHARACTERS])

    def handleError(self, record: logging.LogRecord) -> None:
        """Quiet: the record may hold the URL."""


_overheard = _Overheard()
