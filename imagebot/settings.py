"""Settings of the process: one YAML file, `IMAGEBOT_*` variables, and files that hold secrets.

Reads files once, at start; the environment is handed in. Everything that is wrong is told at
once. The schema of the file is settings_schema.py; docs/settings.md describes it for users.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from imagebot.documents import parse_one, read, validate
from imagebot.errors import SettingsError
from imagebot.model import Problem
from imagebot.settings_files import NamedFiles
from imagebot.settings_model import (
    AppSettings,
    Author,
    ForgeSettings,
    GitSettings,
    HistorySettings,
    HookSettings,
    Listen,
    NotificationSettings,
    OwnerSettings,
    Polling,
    Reconciling,
    RegistrySettings,
    RepositorySettings,
    Settings,
    SigningSettings,
)
from imagebot.settings_places import checked_repository
from imagebot.settings_reading import Reader
from imagebot.settings_schema import SettingsDocument
from imagebot.settings_variables import (
    VARIABLES,
    named_variables,
    overruled,
    token_variable,
    unknown_variables,
)

__all__ = [
    "VARIABLES",
    "AppSettings",
    "Author",
    "ForgeSettings",
    "GitSettings",
    "HistorySettings",
    "HookSettings",
    "Listen",
    "NotificationSettings",
    "OwnerSettings",
    "Polling",
    "Reconciling",
    "RegistrySettings",
    "RepositorySettings",
    "Settings",
    "SigningSettings",
    "check",
    "json_schema",
    "load",
    "repository_from_url",
    "token_variable",
]

MAX_SETTINGS_BYTES = 1024 * 1024


def load(
    path: Path | None, environ: Mapping[str, str], *, needs: Collection[str] | None = None
) -> Settings:
    """Read the settings. `path` None: what IMAGEBOT_SETTINGS names, or defaults.

    `needs` are the first keys, such as "hooks", whose secrets and files are read; None: all. What
    is not read is missing from the settings. Raises SettingsError that lists every problem of
    file, environment and secret files.
    """
    if path is None and environ.get("IMAGEBOT_SETTINGS"):
        path = Path(environ["IMAGEBOT_SETTINGS"])
    file = str(path) if path else ""
    problems = list(unknown_variables(environ))
    document, root = _DEFAULTS, None
    if path:
        root, found = parse_one(file, _settings_source(path))
        problems += found
        read_document, found = validate(file, root, SettingsDocument) if root else (None, ())
        problems += found
        document = read_document or document
        named = named_variables(document)
        problems = [each for each in problems if each.address not in named]
    document = overruled(document, environ, problems)
    named_files = NamedFiles(file, path.parent if path else Path(), environ, root, problems, needs)
    settings = Reader(named_files).settings(document)
    if problems:
        raise _error(problems)
    files = ([path] if path else []) + named_files.read
    return replace(settings, file=path, files=tuple(dict.fromkeys(files)))


def check(file: str, source: bytes) -> tuple[SettingsDocument | None, tuple[Problem, ...]]:
    """Check a settings file's text alone; nothing that it names is read."""
    return read(file, source, SettingsDocument)


def repository_from_url(url: str, environ: Mapping[str, str]) -> RepositorySettings:
    """A git repository named on the command line, with all else guessed. Raises SettingsError."""
    text = url.removesuffix("/")
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text.removesuffix(".git").rpartition("/")[2])
    entry = {"name": name.strip("-._")[:63] or "repository", "url": text}
    if text.startswith("file://"):
        entry |= {"git": {"allowFile": True}}  # type: ignore[dict-item]
    part = checked_repository(entry)
    problems: list[Problem] = []
    named_files = NamedFiles("", Path(), environ, None, problems)
    settings = Reader(named_files).repository(part, _DEFAULTS.interval, ())
    if problems:
        raise _error(problems)
    return settings


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the settings file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://imagebot.dev/schemas/v1alpha1/settings.json",
        **SettingsDocument.model_json_schema(by_alias=True),
    }


_DEFAULTS = SettingsDocument.model_validate(
    {"apiVersion": "imagebot.dev/v1alpha1", "kind": "Settings"}
)


def _settings_source(path: Path) -> bytes:
    try:
        with path.open("rb") as opened:
            return opened.read(MAX_SETTINGS_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError(
            f"the settings file {path} cannot be read: {reason}",
            hint="name it with --settings or IMAGEBOT_SETTINGS",
        ) from error


def _error(problems: Sequence[Problem]) -> SettingsError:
    lines = []
    for problem in dict.fromkeys(problems):
        parts = [part for part in (problem.where(), problem.address, problem.message) if part]
        lines.append(": ".join(parts) + (f" ({problem.hint})" if problem.hint else ""))
    if len(lines) == 1:
        return SettingsError(f"settings: {lines[0]}", hint="see docs/settings.md")
    listed = "".join(f"\n  {line}" for line in lines)
    return SettingsError(
        f"the settings have {len(lines)} problems:{listed}", hint="see docs/settings.md"
    )
