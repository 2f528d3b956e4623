"""Read the text of a marker: `# imagebot: NAME[:part]` and Flux's JSON form.

Pure. Other text may stand in the same comment, before or after.
"""

import json
import re
from typing import NamedTuple

from imagebot.model import Part

_OWN = re.compile(r"(?:#[ \t]*imagebot:[ \t]*|(?<=[\s,;(])imagebot:[ \t]+)(\S*)")
# With capitals the word may begin a sentence about imagebot, so nothing may follow the name.
_IN_CAPITALS = re.compile(r"#[ \t]*(?:I[Mm][Aa][Gg][Ee][Bb][Oo][Tt]):[ \t]*(\S+)[ \t\r\n]*\Z")
_FURTHER_WORD = re.compile(r"[ \t]+[^\W_]")
_URL = re.compile(r"[a-z]+://", re.IGNORECASE)
_FLUX = re.compile(r"\{[^{}]*\$imagepolicy[^{}]*\}?")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", re.A)
_PARTS = {"tag": Part.TAG, "name": Part.NAME, "digest": Part.DIGEST}

_ALONE = re.compile(r"(?:#+|//|<!--|/\*|--|;)[ \t]*(?:(?i:imagebot):|\{[^{}]*\$imagepolicy)")
OPENING = re.compile(r"(?:(?<=\s)|^)(?:#|//|<!--|/\*|--|;|\{\{-?/\*|\{#|%)(?=[\s#{]|imagebot:)")
_IGNORED = "ignore"
_LEAVES_FILE_OUT = "ignore-file"

FORMS_HINT = 'write "# imagebot: NAME", or NAME:tag, NAME:name or NAME:digest'


class MarkerText(NamedTuple):
    """What a comment asks for. `fault` says why it is no marker although it looks like one."""

    policy: str
    part: Part
    is_flux: bool
    fault: str = ""
    hint: str = FORMS_HINT  # how to mend a fault
    is_sentence: bool = False  # words follow the name, as where the comment is about imagebot
    is_empty: bool = False


def read_comment(comment: str) -> MarkerText | None:
    """The marker in a comment, None where there is none."""
    found = [_own(token[1], comment[token.end() :]) for token in _OWN.finditer(comment)]
    found += [_own(token[1]) for token in _IN_CAPITALS.finditer(comment)]
    found += [_flux(token[0]) for token in _FLUX.finditer(comment)]
    if not found:
        return None
    faulty = next((marker for marker in found if marker.fault), None)
    if faulty is not None:
        return faulty
    if any(marker[:2] != found[0][:2] for marker in found):
        return _faulty("two markers in one comment ask for different things")
    return found[0]


def stands_alone(comment: str) -> bool:
    """Whether a comment begins with its marker, as one above a value does.

    Prose that mentions a marker, and lines taken out of use with a marker behind them, do not.
    """
    return _ALONE.match(comment) is not None


def is_prose(marker: MarkerText, comment: str, *, is_remark: bool) -> bool:
    """Whether a comment with a faulty marker is likely about imagebot or markers, not a marker.

    `is_remark`: it has a line of its own.
    """
    return marker.is_sentence or (is_remark and (marker.is_empty or not stands_alone(comment)))


def _own(token: str, rest: str = "") -> MarkerText:
    name, colon, part = token.rstrip(",;.)").partition(":")
    if name == _LEAVES_FILE_OUT:
        fault = (
            "imagebot: ignore-file is not heeded: one of the first ten lines has to begin with it"
        )
        return _faulty(fault, "move it up, or name the file in .imagebotignore")
    if not _NAME.fullmatch(name):
        marker = _faulty(f"the marker names no policy: {token[:60]!r}")
        return marker._replace(is_empty=not token)
    if _URL.match(token):
        marker = _faulty(f"the marker names no policy, but an address: {token[:60]!r}")
        return marker._replace(is_sentence=True)
    if colon and part not in _PARTS:
        return _faulty(f"the marker asks for an unknown part: {part[:60]!r}")
    is_sentence = name == token != _IGNORED and _FURTHER_WORD.match(rest) is not None
    return MarkerText(
        name, _PARTS.get(part, Part.REFERENCE), is_flux=False, is_sentence=is_sentence
    )


def _flux(token: str) -> MarkerText:
    try:
        value = json.loads(token)["$imagepolicy"]
    except (ValueError, KeyError, RecursionError):
        return _faulty("the $imagepolicy marker is no JSON object")
    words = value.split(":") if isinstance(value, str) else []
    if len(words) not in (2, 3) or not all(_NAME.fullmatch(word) for word in words[:2]):
        return _faulty("the $imagepolicy marker is not namespace:name[:part]")
    if len(words) == 3 and words[2] not in _PARTS:
        return _faulty(f"the $imagepolicy marker asks for an unknown part: {words[2][:60]!r}")
    part = _PARTS[words[2]] if len(words) == 3 else Part.REFERENCE
    return MarkerText(words[1], part, is_flux=True)


def _faulty(fault: str, hint: str = FORMS_HINT) -> MarkerText:
    return MarkerText("", Part.REFERENCE, is_flux=False, fault=fault, hint=hint)
