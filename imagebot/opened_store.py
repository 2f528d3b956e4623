"""Settings -> the store, and what a command or the controller remembers with.

A command that only reads opens nothing that is not there, and writes to nothing.
"""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property

from imagebot import data_folder
from imagebot.database import Database
from imagebot.errors import StoreError
from imagebot.history import History
from imagebot.interfaces import DigestCache, Ledger, OccurrenceCache
from imagebot.kept import Kept
from imagebot.ledger import PassingLedger, StoredLedger
from imagebot.poll_store import PollStore
from imagebot.registries import PassingCache
from imagebot.settings import Settings
from imagebot.store import Store, digests_to_read, occurrences_to_read
from imagebot.store_address import StoreAddress, in_file

log = logging.getLogger(__name__)


class OpenedStore:
    """Each part is opened at first use, and closed by `close_store`.

    `is_read_only`: what the store has is read if its file is there, and nothing is written to it;
    ledger and memory of digests then live for the command alone.
    """

    def __init__(self, settings: Settings, *, is_read_only: bool = False) -> None:
        self.settings = settings
        self._is_read_only = is_read_only
        self._lasting = ExitStack()  # what a successor takes over
        self._has_successor = False

    @cached_property
    def digests(self) -> DigestCache:
        """What is remembered for ever, since it never changes."""
        return self._passing(digests_to_read) if self._is_read_only else self.store.digests

    @cached_property
    def occurrences(self) -> OccurrenceCache:
        """What was parsed."""
        return self._passing(occurrences_to_read) if self._is_read_only else self.store

    @cached_property
    def store(self) -> Store:
        """Opened at first use: what is read only needs none."""
        data_folder.make(self.settings.data_dir)
        store = Store(self._store_address, max_runs=self.settings.history.runs)
        self._lasting.callback(store.close)
        return store

    @cached_property
    def polls(self) -> PollStore:
        """What is known of image repositories, and who uses them."""
        return PollStore(self.store.database)

    @cached_property
    def history(self) -> History:
        return History(self.store.database, age=self.settings.history.age)

    @cached_property
    def stored_ledger(self) -> StoredLedger:
        """The ledger in the store, whatever is read by."""
        return StoredLedger(self.store.database)

    @cached_property
    def ledger(self) -> Ledger:
        if not self._is_read_only:
            return self.stored_ledger
        ledger = PassingLedger(self._opened_to_read)
        self._lasting.callback(ledger.close)
        return ledger

    @property
    def _store_address(self) -> StoreAddress:
        return self.settings.store or in_file(self.settings.data_dir / "imagebot.sqlite")

    def _opened_to_read(self) -> Database | None:
        """The store's database, None where there is none yet. Raises StoreError on trouble."""
        file = self._store_address.file
        try:
            is_there = file is None or file.is_file()
        except OSError as error:  # a folder that this user may not enter
            raise StoreError(
                f"the store {file} cannot be read: {error.strerror}",
                hint="let this user read the data folder, or name another one",
            ) from error
        return self._readable if is_there else None

    def store_to_read(self) -> Store | None:
        """The store, to be read alone; None without one, and for that of an older imagebot."""
        if self._opened_to_read() is None or not self._readable.is_current:
            return None
        return self._store_to_read

    @cached_property
    def _store_to_read(self) -> Store:
        store = Store(self._store_address, is_read_only=True)
        self._lasting.callback(store.close)
        return store

    @cached_property
    def _readable(self) -> Database:
        database = Database(self._store_address, is_read_only=True)
        self._lasting.callback(database.close)
        return database

    def _passing(self, to_read: Callable[[Database], Kept]) -> PassingCache:
        """A memory for this command alone, over what the store has."""
        try:
            database = self._opened_to_read()
        except StoreError as error:
            log.warning("what the store remembers is not read: %(error)s", {"error": error})
            database = None
        is_usable = database is not None and database.is_current
        return PassingCache(to_read(database) if database and is_usable else None)

    def hand_over(self, successor: "OpenedStore") -> None:
        """Give what is open to a successor, which closes it from now on."""
        shared = ("store", "polls", "ledger", "digests")
        vars(successor).update({name: vars(self)[name] for name in shared if name in vars(self)})
        successor._lasting = self._lasting
        self._has_successor = True

    def close_store(self) -> None:
        if not self._has_successor:
            self._lasting.close()
