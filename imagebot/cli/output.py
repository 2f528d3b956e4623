"""The standard output of a process, of which a failure is told as any other.

Does I/O. A disk that is full, or a device that fails, is an `OutputError`; a reader that has seen
enough stays a BrokenPipeError, which is none.
"""

import io
import os
import sys
from typing import Any

from imagebot.errors import OutputError

_HINT = "send it somewhere else, or to /dev/null"


class _Checked(io.FileIO):
    """The process's own output, byte for byte."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"cannot write the output: {error.strerror}", hint=_HINT) from error


def check() -> None:
    """Let every write to `sys.stdout` raise what this module says, from now on."""
    written = sys.stdout
    if written is None:
        return
    bytes_written = io.BufferedWriter(_Checked(written.fileno(), "wb", closefd=False))
    sys.stdout = io.TextIOWrapper(
        bytes_written,
        encoding=written.encoding,
        errors=written.errors,
        line_buffering=written.isatty(),
    )


def drop() -> None:
    """Send what is not written yet nowhere, or the end of the process would try it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
