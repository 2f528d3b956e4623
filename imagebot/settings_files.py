"""Files and variables that settings name: certificates, keys, and what holds a secret.

Reads files, once each. What cannot be read is noted as a problem of its key, and nothing that
is read or found in the place of a name gets into a message: it may be the secret.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from imagebot.documents import KeyPath, address, place
from imagebot.model import Problem
from imagebot.secret import Secret
from imagebot.yaml_tree import Node

MAX_SECRET_BYTES = 64 * 1024


class NamedFiles:
    """Reads what a settings document names; collects what cannot be read.

    `folder` is that of the settings file, from which names of files are taken; `root` is the
    document, for the places of problems. `needs` are the first keys below which something is read:
    whoever tells nobody anything needs no secret of `notifications`. None: all.
    """

    def __init__(
        self,
        file: str,
        folder: Path,
        environ: Mapping[str, str],
        root: Node | None,
        problems: list[Problem],
        needs: Collection[str] | None = None,
    ) -> None:
        self.folder, self.environ = folder, environ
        self._file, self._root = file, root
        self._problems = problems
        self._needs = needs
        self.read: list[Path] = []

    def existing(self, written: str | None, key: KeyPath) -> Path | None:
        if written is None or not self._is_needed(key):
            return None
        path = self.folder / written
        self.read.append(path)
        try:
            with path.open("rb"):
                return path
        except OSError as error:
            self.wrong(key, f"{path} cannot be read: {error.strerror or type(error).__name__}")
            return None

    def secret(self, file: str | None, variable: str | None, key: KeyPath) -> Secret | None:
        """A secret from a file or variable, None where it is not needed.

        Messages name neither text: it may be the secret.
        """
        if not self._is_needed(key):
            return None
        if file is not None:
            return self.secret_file(self.folder / file, suffixed(key, "File"))
        if variable is None:
            return None
        text = self.environ.get(variable, "").strip()
        if not text:
            self.wrong(suffixed(key, "Env"), "the environment variable that it names is not set")
        return Secret(text)

    def secret_file(
        self, path: Path, key: KeyPath, not_text: str = "the file that it names is not UTF-8"
    ) -> Secret | None:
        self.read.append(path)
        try:
            with path.open("rb") as opened:
                source = opened.read(MAX_SECRET_BYTES + 1)
            text = source.decode().strip("\r\n")
        except OSError as error:
            reason = error.strerror or type(error).__name__
            self.wrong(key, f"the file that it names cannot be read: {reason}")
            return None
        except UnicodeDecodeError:
            self.wrong(key, not_text)
            return None
        if not text.strip() or len(source) > MAX_SECRET_BYTES:
            self.wrong(key, "the file that it names is empty or too large for a secret")
            return None
        return Secret(text)

    def _is_needed(self, key: KeyPath) -> bool:
        return self._needs is None or key[0] in self._needs

    def wrong(self, key: KeyPath, message: str) -> None:
        line, column = place(self._root, key) if self._root else (0, 0)
        self._problems.append(Problem(self._file, line, column, message, address=address(key)))


def suffixed(key: KeyPath, ending: str) -> KeyPath:
    """The key that names the file or variable of a secret: `token` -> `tokenFile`."""
    return (*key[:-1], f"{key[-1]}{ending}")
