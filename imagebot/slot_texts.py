"""The text that each slot should hold after an update, and the bytes that say it there.

Pure. A new value keeps the quotes of the old one and gets some exactly where it would otherwise not
be read as the same text.
"""

import re

from imagebot.errors import StaleEdit
from imagebot.image import DOCKER_HUB, join, parse, parse_name, shortened
from imagebot.model import Edit, Occurrence, Part, Slot, Span, Style, Update
from imagebot.yaml_scalars import can_be_plain

_UNQUOTED = (Style.PLAIN, Style.PLAIN_IN_DOUBLE, Style.JSON, Style.JSON_IN_DOUBLE)
_QUOTES = {Style.PLAIN_IN_DOUBLE: b"'", Style.JSON_IN_DOUBLE: b'\\"'}
_MAX_PROPERTIES = 300
# `tag:` and perhaps an anchor; `{repository: acme/api, tag}` has no colon for its value yet.
_BEHIND_COLON = re.compile(rb":\s*(?:[&!]\S*\s+)*(?:[&!]\S*)?\Z")


def wanted_text(update: Update, slot: Slot, slots: tuple[Slot, ...]) -> str:
    """The text that a slot should hold after the update."""
    has_registry = any(other.part is Part.REGISTRY for other in slots)
    digest = None if any(other.part.is_digest for other in slots) else update.digest
    if slot.part is Part.REFERENCE:
        return join(_wanted_name(update, slot, has_registry), update.tag, digest)
    if slot.part is Part.TAG:
        return join(update.tag, None, digest)
    if slot.part is Part.TAG_ALONE:
        return _own_text(update.occurrence, slot, update.tag)
    if slot.part is Part.CHART_VERSION:
        return update.tag.replace("_", "+")
    if slot.part is Part.DIGEST:
        return update.digest.text if update.digest else ""
    if slot.part is Part.DIGEST_HEX:
        return update.digest.text.removeprefix("sha256:") if update.digest else ""
    if update.name is None:
        return slot.text
    if slot.style is Style.PIECE:
        return str(parse_name(update.name))  # behind oci:// the registry must be written
    if not has_registry:
        return update.name
    host, path = _split_name(update.name)
    return _with_slashes_of(slot.text, host if slot.part is Part.REGISTRY else path)


def _wanted_name(update: Update, slot: Slot, has_registry: bool) -> str:
    """The name in front of a tag; the registry may stand in a slot of its own."""
    if has_registry:
        return _split_name(update.name)[1] if update.name else parse(slot.text).name
    reference = update.occurrence.reference or update.reference
    return update.name or reference.name


def _with_slashes_of(written: str, text: str) -> str:
    """`ghcr.io/` stays one with a slash, and so does `/acme/api` behind it."""
    before = "/" if written.startswith("/") else ""
    return before + text + ("/" if written.endswith("/") else "")


def _own_text(occurrence: Occurrence, slot: Slot, tag: str) -> str:
    """What a slot holds of a tag that is put together from several places."""
    before, after = slot.before, slot.after
    own = tag[len(before) : len(tag) - len(after)]
    if tag != before + own + after or not own:
        raise StaleEdit(
            f"{occurrence.file}:{occurrence.line}: {shortened(tag)!r} is not "
            f"{before}...{after}, and only the part between is written here",
            hint="write the whole tag in one place",
        )
    return own


def _split_name(name: str) -> tuple[str, str]:
    """Registry and path, as a group with a `registry` key holds them."""
    repository = parse_name(name)
    first, slash, rest = name.partition("/")
    has_host = bool(slash) and repository.path != name
    return (first, rest) if has_host else (DOCKER_HUB, name)


def edit_of(source: bytes, slot: Slot, text: str) -> Edit | None:
    is_unquoted = slot.style in _UNQUOTED
    is_null = is_unquoted and slot.text in {"", "~", "null", "Null", "NULL"}
    if text == slot.text and not (is_null and text):
        return None
    if not text and is_null:
        return None
    new = text.encode()
    is_plain = slot.style in (Style.PLAIN, Style.PLAIN_IN_DOUBLE) or _is_bare(source, slot)
    is_json = slot.style in (Style.JSON, Style.JSON_IN_DOUBLE)
    if is_json or (is_plain and not can_be_plain(text, slot.in_flow)):
        quote = _QUOTES.get(slot.style, b'"')
        new = quote + new + quote
    if slot.span.start == slot.span.end and is_plain:
        is_key_alone = slot.in_flow and not _BEHIND_COLON.search(source, *_near(slot.span))
        if is_key_alone:
            new = b": " + new
        elif _follows_indicator(source, slot.span):
            new = b" " + new
    return Edit(slot.span, new)


def _near(span: Span) -> tuple[int, int]:
    """What is looked at of the bytes in front of a value; no anchor or YAML tag is as long."""
    return max(0, span.start - _MAX_PROPERTIES), span.start


def _is_bare(source: bytes, slot: Slot) -> bool:
    """Whether text named by a marker stands without quotes."""
    before = source[slot.span.start - 1 : slot.span.start]
    return slot.style is Style.RAW and before not in (b'"', b"'")


def _follows_indicator(source: bytes, span: Span) -> bool:
    """Whether an empty value stands right behind `key:` or `-`, so that a blank is missing."""
    return not source[max(0, span.start - 1) : span.start].isspace()
