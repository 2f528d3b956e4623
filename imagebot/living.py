"""The clients of a process that lives on while its settings change.

Wires. Whoever works takes the clients of the moment for as long as he needs them; those of former
settings are closed when the last one gave them back. Thread-safe.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from imagebot import clients
from imagebot.clients import Built
from imagebot.registries import Registries
from imagebot.settings_model import Settings


class _Generation:
    def __init__(self, built: Built) -> None:
        self.built = built
        self.use_count = 1  # its being the present one


class Living:
    """Made of the first settings. Close it at the end of the process."""

    def __init__(self, settings: Settings, wake: Callable[[str], None]) -> None:
        self._lock = threading.Lock()
        self._present = _Generation(clients.build(settings, wake=wake))

    @contextmanager
    def using(self) -> Iterator[Built]:
        """The clients of the moment, which stay open within the block."""
        with self._lock:
            generation = self._present
            generation.use_count += 1
        try:
            yield generation.built
        finally:
            self._give_back(generation)

    @contextmanager
    def registry(self) -> Iterator[Registries]:
        """The registries of the moment, which stay open within the block."""
        with self.using() as built:
            yield built.registry

    @property
    def built(self) -> Built:
        """The clients of the moment, to look at only."""
        return self._present.built

    @property
    def settings(self) -> Settings:
        return self._present.built.settings

    def renew(self, settings: Settings, *, keeps_registries: bool) -> None:
        """Work by other settings from now on."""
        with self._lock:
            former = self._present
            new = former.built.successor(settings, keeps_registries=keeps_registries)
            self._present = _Generation(new)
        self._give_back(former)

    def close(self) -> None:
        self._give_back(self._present)

    def _give_back(self, generation: _Generation) -> None:
        with self._lock:
            generation.use_count -= 1
            is_over = generation.use_count == 0
        if is_over:
            generation.built.close()
