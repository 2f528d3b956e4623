"""Where the store is: a file of SQLite, memory, or a database of PostgreSQL.

Reads the working directory, for relative files. An address may hold a password, so it is
printed by `name` alone, which does not.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from imagebot.errors import SettingsError
from imagebot.secret import Secret

_POSTGRESQL: Final = ("postgresql", "postgres", "postgresql+psycopg")
_KINDS: Final = (
    "write postgresql://user@host/database, sqlite:///relative or sqlite:////absolute/path"
)


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """`server` is the URL of a PostgreSQL database; without one and without a file, memory."""

    name: str
    file: Path | None = None
    server: Secret | None = None


MEMORY = StoreAddress("in memory")


def in_file(path: Path) -> StoreAddress:
    """A file of SQLite."""
    absolute = path.absolute()
    return StoreAddress(str(absolute), absolute)


def read_url(text: str, folder: Path = Path()) -> StoreAddress:
    """Read a URL; a relative file of SQLite is one below `folder`.

    Raises SettingsError that does not quote what it cannot read: it may hold a password.
    """
    scheme, separator, rest = text.partition("://")
    if not separator:
        raise SettingsError("the store's URL is no URL", hint=_KINDS)
    if scheme == "sqlite":
        file = unquote(rest.partition("?")[0].removeprefix("/"))
        return in_file(folder / file) if file else MEMORY
    if scheme not in _POSTGRESQL:
        raise SettingsError(f"the store cannot live in {scheme!r}", hint=_KINDS)
    return StoreAddress(_shown(rest), server=Secret(f"postgresql+psycopg://{rest}"))


def has_password(url: str) -> bool:
    """Whether a URL says a password, where everybody could read it."""
    parts = urlsplit(url)
    return ":" in parts.netloc.rpartition("@")[0] or "password=" in parts.query


def _shown(rest: str) -> str:
    """Host and database, and nothing that could be secret."""
    try:
        parts = urlsplit(f"postgresql://{rest}")
        parts.port  # noqa: B018 raises when it is none
    except ValueError:
        raise SettingsError("the store's URL cannot be read", hint=_KINDS) from None
    if not parts.path.strip("/"):
        raise SettingsError("the store's URL names no database", hint=_KINDS)
    return f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"
