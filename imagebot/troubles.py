"""What cannot be done just now, told in the log when it changes and not each time it is met.

Does I/O: the log. Thread-safe.
"""

import logging
import threading

from imagebot.errors import ImagebotError

log = logging.getLogger(__name__)

_MAX_TEXTS = 100  # that are remembered of one trouble


class Troubles:
    """By what cannot be done. One that says now this, now that, is told of each once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: dict[str, dict[str, None]] = {}  # the latest last

    def note(self, work: str, error: Exception, level: int = logging.ERROR) -> None:
        """It cannot be done. A bug is told with its traceback."""
        text = str(error)
        with self._lock:
            texts = self._texts.setdefault(work, {})
            is_news = text not in texts
            texts.pop(text, None)
            texts[text] = None
            if len(texts) > _MAX_TEXTS:
                del texts[next(iter(texts))]
        if is_news:
            bug = None if isinstance(error, ImagebotError) else error
            log.log(level, "%(work)s: %(error)s", {"work": work, "error": error}, exc_info=bug)

    def end(self, work: str) -> None:
        """It can be done."""
        with self._lock:
            is_news = self._texts.pop(work, None) is not None
        if is_news:
            log.info("%(work)s works again", {"work": work})

    def __str__(self) -> str:
        """All of them, each with what it said last; empty when there is none."""
        with self._lock:
            return "; ".join(f"{work}: {list(texts)[-1]}" for work, texts in self._texts.items())
