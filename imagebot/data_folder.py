"""The folder of the store and the clones: made where it is missing, and refused where it cannot be.

Does I/O: the file system.
"""

import os
from pathlib import Path

from imagebot.errors import SettingsError

_HINT = "name a folder that this user may write as `dataDir` in the settings, or mend this one"


def make(folder: Path) -> None:
    """Raises SettingsError where it cannot be made, is no folder, or may not be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror
        if isinstance(error, FileExistsError | NotADirectoryError):
            reason = "a file stands in its way"
        raise _refusal(folder, f"cannot be made: {reason}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _refusal(folder, "cannot be written by this user")


def _refusal(folder: Path, what: str) -> SettingsError:
    return SettingsError(f"the data folder {folder} {what}", hint=_HINT)
