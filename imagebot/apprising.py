"""Send a message to wherever an Apprise URL says. The one room that knows Apprise, an extra.

Does I/O: whatever the URL asks for, over the network. The URL is a secret, and what the libraries
say of it may hold it: their logs are silenced, and a failure is told in our words alone.
"""

import importlib.util
import logging
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


def check(name: str, url: Secret) -> None:
    """Raise SettingsError where Apprise is missing or takes the URL for none."""
    _service(name, url)


def send(name: str, url: Secret, title: str, body: str) -> str:
    """Send it. Why the service did not take it, in a few words, or "" when it did.

    Blocks for as long as the service and Apprise's time-outs let it.
    """
    try:
        service = _service(name, url)
        is_taken = service.notify(body=body, title=title, body_format="text")
    except SettingsError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 a hundred services, each with libraries of its own
        return f"a fault of its kind: {type(error).__name__}"
    return "" if is_taken else "the service did not take it, or could not be reached"


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
    )
    service = apprise.Apprise.instantiate(text, asset=asset, suppress_exceptions=True)
    if service is None:
        raise SettingsError(
            f"notification {name!r} names no URL that Apprise knows",
            hint="see docs/notifications.md",
        )
    return service


def _silence() -> None:
    for name in ("apprise", "requests_oauthlib", "oauthlib", "charset_normalizer"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [logging.NullHandler()]
        logger.propagate = False
        logger.disabled = True
