"""Python's cyclic collector, kept out of a scan of many files. Changes the state of the process."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

# A look at so many young objects costs some 20 ms, as often as scans end. After a smaller scan the
# collector looks as ever: were its objects put among the old, so would be all garbage in cycles
# that the process made meanwhile, at each of the many scans of unchanged trees, and Python looks
# at the old only when they grew by a quarter: tens of megabytes in a service.
_MANY_OBJECTS = 200_000


def sweep() -> None:
    """Within `scanning`, free the cycles made since the last sweep: a database's results are some.

    Looks at young objects alone, so that what a scan has found so far is not gone through again.
    """
    global _swept_count
    with _scan_lock:
        _swept_count += gc.get_count()[0]
    gc.collect(0)


@contextmanager
def scanning() -> Iterator[None]:
    """Keep Python's cyclic collector out of a scan of many files: trees die young, by count.

    Worth 10 to 25 % of the time. Scans may overlap in several threads; the last to end
    switches the collector on again.
    """
    _pause_collector()
    try:
        yield
    finally:
        _resume_collector()


_scan_lock = Lock()
_running_scans = 0
_swept_count = 0  # objects that were young at the sweeps of the running scans


def _pause_collector() -> None:
    global _running_scans
    with _scan_lock:
        _running_scans += 1
        gc.disable()


def _resume_collector() -> None:
    global _running_scans, _swept_count
    with _scan_lock:
        _running_scans -= 1
        if not _running_scans:
            if _swept_count + gc.get_count()[0] > _MANY_OBJECTS:
                # What the scan made is young; there and back puts it among the old, unlooked at.
                gc.freeze()
                gc.unfreeze()
            _swept_count = 0
            gc.enable()
