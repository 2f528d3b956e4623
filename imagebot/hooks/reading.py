"""Reading what a stranger sent: JSON within bounds, and the few texts in it that name something.

Pure. Whatever a body holds, it can only be a hint of an image repository or a git project. No
number is kept, no text that is long or not plain is taken, and nothing that is missing or of
another type than expected is an error: there is only less to hint at.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from imagebot.delivery import Delivery
from imagebot.errors import ImagebotError, InvalidReference
from imagebot.image import Repository, parse_name

MAX_HINTS = 100  # of one delivery
MAX_TEXT = 512  # characters of a text that is taken
MAX_ITEMS = 1000  # of a list that is looked through
MAX_COMMENT = 70_000  # characters; GitHub takes 65,536


class Unreadable(ImagebotError):
    """The body is not what this sender sends."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image repository as a sender names it. `host` "": the sender tells none."""

    host: str
    path: str


@dataclass(frozen=True, slots=True)
class Project:
    """A git project, `owner/name`. `host` "": on whatever forge."""

    path: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a delivery hints at, or `ignored`: why at nothing.

    `answer`: JSON that the sender waits for, in a handshake.
    """

    hints: tuple[Image | Project, ...] = ()
    ignored: str = ""
    answer: Mapping[str, str] | None = None


Reader = Callable[[Delivery], Reading]


def ignored(why: str) -> Reading:
    return Reading(ignored=why)


def hinted(*hints: Image | Project | None) -> Reading:
    """A reading of what there is; each once, and not too many."""
    found = tuple(dict.fromkeys(hint for hint in hints if hint is not None))[:MAX_HINTS]
    return Reading(found) if found else ignored("it names no repository")


def document(delivery: Delivery) -> object:
    """The JSON of a body, with every number made 0. Raises Unreadable."""
    return parsed(delivery.body)


def form_or_json(delivery: Delivery) -> object:
    """JSON, or a form whose `payload` is JSON, as GitHub may send."""
    kind = delivery.header("content-type").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return document(delivery)
    try:
        form = parse_qs(delivery.body.decode("ascii"), max_num_fields=8, strict_parsing=True)
    except ValueError as error:
        raise Unreadable("the body is not a form") from error
    return parsed("".join(form.get("payload", [])[:1]).encode("utf-8", "replace"))


def parsed(source: bytes) -> object:
    """JSON within bounds. Raises Unreadable."""
    try:
        found: object = json.loads(
            source.decode("utf-8-sig"),
            parse_int=_zero,  # a number of a million digits takes its time
            parse_float=_zero,
            parse_constant=_refused,
        )
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise Unreadable("the body is not JSON in UTF-8, or nested too deeply") from error
    return found


def _zero(written: str) -> int:
    return 0


def _refused(written: str) -> object:
    raise ValueError(f"{written} is not JSON")


def at(value: object, *keys: str) -> object:
    """What stands under keys of mappings; None where there is none."""
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def text(value: object, *keys: str, limit: int = MAX_TEXT) -> str:
    """A text without control characters and half characters; "" for all else."""
    found = at(value, *keys)
    if not isinstance(found, str) or len(found) > limit:
        return ""
    found = found.strip()
    return found if found.isprintable() else ""


def items(value: object, *keys: str) -> list[object]:
    """A list; empty for all else."""
    found = at(value, *keys)
    return found[:MAX_ITEMS] if isinstance(found, list) else []


def image(host: str, path: str) -> Image | None:
    """An image repository by host and path; upper case is lowered, as registries do."""
    path = path.strip("/:").lower()
    return Image(host.strip("/").lower().removesuffix(":443"), path) if path else None


def image_of(reference: str) -> Image | None:
    """Of a whole reference: `ghcr.io/acme/api:1.2`, with a scheme, digest or bare colon at will."""
    bare = reference.partition("://")[2] or reference
    name = bare.partition("@")[0].strip("/:").lower()
    head, slash, last = name.rpartition("/")
    try:
        found = parse_name(head + slash + last.partition(":")[0])
    except InvalidReference:
        return None
    return Image(found.registry, found.path)


def repository(found: Image, registry: str = "") -> Repository | None:
    """What to wake. `registry` (`HOST[/PREFIX]`) takes the place of what the sender calls it."""
    host = registry or found.host
    first = host.partition("/")[0]
    if "." not in first and ":" not in first and first != "localhost":
        return None  # would be read as a path at Docker Hub
    try:
        return parse_name(f"{host}/{found.path}")
    except InvalidReference:
        return None


def project(path: str, url: str = "") -> Project | None:
    """A git project by its path, on the host of a web address that was told with it."""
    path = path.strip("/")
    return Project(path, host_of(url)) if path else None


def host_of(url: str) -> str:
    """`host[:port]` of a web address, which is never asked for anything; "" without one."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port}" if port and host else shown


def asks_us(comment: object) -> bool:
    """Whether a comment can hold a command: most are people's talk among themselves."""
    return isinstance(comment, str) and "/imagebot" in comment[:MAX_COMMENT].lower()


def answered(answer: Mapping[str, str]) -> bytes:
    """The body of an answer that the sender waits for."""
    return json.dumps(dict(answer)).encode()
