"""Wait for a store in PostgreSQL that is away when the process starts, and say so meanwhile.

Does I/O: the store, the web server and the process's signals. Must run in the main thread.
"""

import logging
import random

from imagebot.cli.stopping import StopSignals
from imagebot.delivery import Head, Reply
from imagebot.errors import StoreUnavailable
from imagebot.settings_model import Settings
from imagebot.store import Store
from imagebot.store_address import StoreAddress
from imagebot.troubles import Troubles
from imagebot.web.pages import Readiness, health
from imagebot.web.server import Answer, WebServer, serve

MOST_SECONDS = 15.0  # between two tries: so much later than the database this process may be
_FIRST_SECONDS = 1.0
_OPENING = "opening the store"


def wait_for_store(settings: Settings, listen: str) -> bool:
    """Open and close the store until that works. False when a signal to stop came first.

    A file is not waited for: nobody else brings it. Raises StoreError where the database answers
    and refuses, since waiting mends neither a wrong password nor a newer schema.
    """
    if settings.store is None or settings.store.server is None:
        return True
    trouble = _trouble(settings.store)
    if trouble is None:
        return True
    troubles = Troubles()
    troubles.note(_OPENING, trouble, logging.WARNING)
    server = _serve_meanwhile(settings, listen, troubles)
    try:
        with StopSignals(reload=lambda: None) as signals:  # the settings are read when it starts
            tries = 0
            while not signals.wait(pause_seconds(tries, random.random())):  # noqa: S311 no secret
                trouble = _trouble(settings.store)
                if trouble is None:
                    troubles.end(_OPENING)
                    return True
                troubles.note(_OPENING, trouble, logging.WARNING)
                tries += 1
            return False
    finally:
        server.close()


def pause_seconds(tries: int, roll: float) -> float:
    """Before the next try: twice as long each time up to a bound; `roll` is in [0, 1)."""
    return min(_FIRST_SECONDS * (1 << min(tries, 10)), MOST_SECONDS) * (0.5 + roll / 2)


def _trouble(address: StoreAddress) -> StoreUnavailable | None:
    try:
        Store(address).close()
    except StoreUnavailable as error:
        return error
    return None


def _serve_meanwhile(settings: Settings, listen: str, troubles: Troubles) -> WebServer:
    """Alive, since a restart would not help, and not ready."""
    readiness = Readiness([each.name for each in settings.repositories])

    def refuse(head: Head) -> Reply:
        return Reply(503, b"the store is away\n", headers={"Retry-After": "60"})

    table = {
        "/healthz": lambda: health(""),
        "/readyz": lambda: readiness.page(str(troubles)),
        "/metrics": lambda: Answer(b"the store is away\n", status=503),
    }
    return serve(listen, table, receive=refuse)
