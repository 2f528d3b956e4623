"""The values of the settings file: what a name, an address, a path or a duration may look like.

Pure. Validators and annotated types for the parts in settings_places.py and settings_service.py.
"""

import ipaddress
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic_core import core_schema

from imagebot import store_address
from imagebot.document_words import found_words
from imagebot.documents import BRANCH_PATTERN, read_duration, wrong
from imagebot.errors import InvalidReference, PolicyError, SettingsError
from imagebot.forge_addresses import SCP_LIKE
from imagebot.image import parse_name
from imagebot.policy.globs import check_path
from imagebot.times import DURATION_PATTERN

PLACEHOLDERS = ("{title}", "{branch}", "{base}")
"""What a push option may hold, to be replaced for each branch."""

MIN_INTERVAL = timedelta(seconds=1)
MAX_INTERVAL = timedelta(days=30)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
OWNER = re.compile(r"(?!\.)[\w.-]+(?:/(?!\.)[\w.-]+)*")
NAME_GLOB = re.compile(r"[\w.*?/-]{1,200}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,127}", re.ASCII)
BRANCH = re.compile(BRANCH_PATTERN)
HELPER = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}", re.ASCII)
_ONE_LINE = re.compile(r"[^\x00-\x1f\x7f<>]{1,200}")
_UNFIT_IN_OPTION = re.compile(r"[\x00-\x1f\x7f]")
_INLINE = "write the name of a file or variable that holds it"


def duration(text: Any) -> timedelta:
    """An interval between the bounds. For validators: raises a PydanticCustomError."""
    return read_duration(text, MIN_INTERVAL, MAX_INTERVAL)


def host_and_port(text: str) -> tuple[str, int]:
    """Read `127.0.0.1:8080` or `[::1]:8080`. For validators."""
    host, _, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not port.isdigit() or not port.isascii() or int(port) > 65535:
        raise wrong(
            f"found {found_words(text)}, allowed: address:port", "for example 127.0.0.1:8080"
        )
    if not bare:
        raise wrong("the address before the port is missing", f"write 0.0.0.0:{port} for all")
    try:
        ipaddress.ip_address(bare)
    except ValueError as error:
        if bare != "localhost":
            raise wrong(f"{bare!r} is no IP address", "127.0.0.1, 0.0.0.0, [::1], ...") from error
    return bare, int(port)


@dataclass(frozen=True, slots=True)
class Matching:
    """Text that the pattern matches in full. For `Annotated`."""

    pattern: re.Pattern[str]
    what: str
    is_shown: bool = True

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        found = handler(core)
        if self.pattern.flags & re.ASCII:  # else \w is not the same to JavaScript and Go
            found["pattern"] = f"^{self.pattern.pattern}$"
        return found

    def _checked(self, text: str) -> str:
        if not self.pattern.fullmatch(text):
            found = found_words(text) if self.is_shown else "something else"
            raise wrong(f"found {found}, allowed: {self.what}")
        return text


def store_url(text: str) -> str:
    try:
        store_address.read_url(text)
    except SettingsError as error:
        raise wrong(str(error), error.hint) from error
    if store_address.has_password(text):
        raise wrong("a password does not stand here", "write urlFile: /path or urlEnv: VARIABLE")
    return text


def listen_address(text: str) -> str:
    host_and_port(text)
    return text


def _registry_host(host: str) -> str:
    try:
        is_host = not host.endswith(".docker.io") and parse_name(f"{host}/x").registry == host
    except InvalidReference:
        is_host = False
    if not is_host:
        hint = "write docker.io for Docker Hub" if host.endswith(".docker.io") else ""
        allowed = "the host of a registry as in image references: ghcr.io, registry.local:5000"
        raise wrong(f"found {found_words(host)}, allowed: {allowed}", hint)
    return host


def registry_place(place: str) -> str:
    """`host[:port][/prefix]`."""
    host = place.partition("/")[0]
    _registry_host(host)
    try:
        parse_name(f"{place}/x")
    except InvalidReference as error:
        allowed = "HOST or HOST/PREFIX: harbor.example.org, harbor.example.org/mirror"
        raise wrong(f"found {found_words(place)}, allowed: {allowed}") from error
    return place


def _plain_path(path: str) -> str:
    if not path or "\x00" in path or "\n" in path:
        raise wrong("found no path of a file", _INLINE)
    return path


def file_glob(text: str) -> str:
    try:
        check_path(text)
    except PolicyError as error:
        raise wrong(str(error), error.hint) from error
    return text


def push_option(option: str) -> str:
    if _UNFIT_IN_OPTION.search(option) or not option.strip() or len(option) > 500:
        raise wrong("found no push option, which is one line of at most 500 characters")
    for found in re.findall(r"\{[^{}]*\}?|\}", option):
        if found not in PLACEHOLDERS:
            raise wrong(f"found {found_words(found)}, allowed: {', '.join(PLACEHOLDERS)}")
    return option


def agit_option(option: str) -> None:
    """Refuse what would take imagebot's promises to people away (docs.gitea.com, "AGit setup").

    Forced pushes replace a person's commits, and a topic that all groups share mixes them.
    """
    name = option.partition("=")[0].strip().casefold().replace("_", "-")
    if name in ("force-push", "topic") or name.startswith("{"):
        what = "writes over people's commits" if name == "force-push" else "is imagebot's to tell"
        hint = "leave it out; imagebot tells the topic, and never forces"
        raise wrong(f"found {found_words(option)}, which {what}", hint, key="forge.pushOptions")


def http_url(url: str) -> str:
    parts = _split_url(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise wrong("found no web address, allowed: https://...")
    if parts.username is not None or parts.password is not None:
        raise wrong("the address holds credentials", "write them under tokenFile or tokenEnv")
    return url


def _split_url(url: str) -> Any:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def git_url(url: str) -> str:
    """Refuse what git would read as an option, a remote helper or a password."""
    if url.startswith("-") or re.search(r"[\x00-\x20\x7f]", url) or "::" in url.partition("/")[0]:
        raise wrong("found no address that git may be given", "https://, ssh:// or user@host:path")
    if url.startswith(("/", "./", "../")):
        raise wrong("found a path", "write file:///... and set git: {allowFile: true}")
    if "://" not in url and SCP_LIKE.fullmatch(url):
        return url
    parts = _split_url(url)
    if parts is None or parts.scheme not in ("https", "http", "ssh", "file"):
        raise wrong("found no address of a git repository", "https://, ssh:// or user@host:path")
    if parts.password is not None or (parts.username is not None and parts.scheme != "ssh"):
        raise wrong("the address holds credentials", "write git: {username, passwordFile} instead")
    if parts.scheme != "file" and (not parts.hostname or parts.hostname.startswith("-")):
        raise wrong("the address has no host")
    return url


Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN}),
]
RememberedDuration = Annotated[
    timedelta,
    BeforeValidator(lambda text: read_duration(text, timedelta(hours=1), timedelta(days=3650))),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN}),
]
Deadline = Annotated[
    timedelta,
    BeforeValidator(lambda text: read_duration(text, timedelta(minutes=1), timedelta(days=1))),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN}),
]
FilePath = Annotated[str, AfterValidator(_plain_path)]
Variable = Annotated[
    str, Matching(_VARIABLE, "the name of an environment variable", is_shown=False)
]
RegistryHost = Annotated[str, AfterValidator(_registry_host)]
OneLine = Annotated[str, Matching(_ONE_LINE, "one line without < and >")]


NameGlob = Annotated[str, Matching(NAME_GLOB, "a glob of * and ? on names")]
CloudName = Literal["aws", "azure", "gcp"]


def one_source(file: str | None, variable: str | None, what: str) -> None:
    if file is not None and variable is not None:
        raise wrong(f"both {what}File and {what}Env are written", "keep one", key=f"{what}Env")
