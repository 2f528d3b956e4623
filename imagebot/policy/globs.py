"""Globs over image repositories and over paths: `*` stays inside one part, `**` crosses `/`.

Pure. Globs come from untrusted hands, so they run on RE2: linear time whatever they hold.
Image globs are made whole first, as names are: `nginx` is `docker.io/library/nginx`.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import re2

from imagebot.errors import InvalidReference, PolicyError
from imagebot.image import DOCKER_HUB, MAX_NAME_LENGTH, parse_name, shortened

MAX_PATH_GLOB_LENGTH = 500

_IMAGE_CHARACTERS = re.compile(r"[a-z0-9._/*:-]+", re.ASCII)
_NAME_HINT = "write a name, or a glob of * (inside one part) and ** (across /)"


def _options() -> Any:
    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    options.never_capture = True
    return options


@dataclass(frozen=True, slots=True)
class Glob:
    """A glob ready to match. Two globs are equal when their texts are."""

    text: str
    _regex: Any = field(repr=False, compare=False)

    @classmethod
    def compile(cls, text: str) -> "Glob":
        """Any text is a glob: characters other than `*` stand for themselves."""
        return cls(text, re2.compile(_regex(text), _options()) if "*" in text else None)

    @property
    def is_exact(self) -> bool:
        """Whether it matches one text only."""
        return self._regex is None

    def matches(self, text: str) -> bool:
        if self._regex is None:
            return text == self.text
        return self._regex.fullmatch(text) is not None

    def sample(self, last: str = "x") -> str:
        """A text that the glob matches, to prove that two globs overlap."""
        *parts, end = self.text.split("/")
        end = last if end == "**" else end.replace("*", "x")
        return "/".join([*("x" if part == "**" else part.replace("*", "x") for part in parts), end])


def _regex(text: str) -> str:
    *parts, last = text.split("/")
    regex = "".join("(?:[^/]+/)*" if part == "**" else _part(part) + "/" for part in parts)
    return regex + (".+" if last == "**" else _part(last))


def _part(part: str) -> str:
    if part == "*":
        return "[^/]+"
    return "[^/]*".join(re2.escape(piece) for piece in part.split("*"))


def whole_image(text: str) -> str:
    """Make the name or glob of an image repository whole. Raises PolicyError, saying why."""
    shown = repr(shortened(text))
    if "@" in text or ":" in text.rpartition("/")[2]:
        hint = "leave tag and digest out; `tags` says which are taken"
        raise PolicyError(f"{shown} has a tag or digest, allowed: the image's name", hint=hint)
    if "*" not in text:
        try:
            return str(parse_name(text))
        except InvalidReference as error:
            hint = error.hint if "lower-case" in error.hint else _NAME_HINT
            raise PolicyError(str(error), hint=hint) from error
    if text == "*":
        hint = "write ** for every image, or docker.io/library/* for these"
        raise PolicyError("'*' alone would match Docker Hub's official images only", hint=hint)
    if not _IMAGE_CHARACTERS.fullmatch(text):
        hint = "names are lower-case" if _IMAGE_CHARACTERS.fullmatch(text.lower()) else _NAME_HINT
        raise PolicyError(f"{shown} is neither an image name nor a glob of names", hint=hint)
    _check_parts(text)
    return _with_registry(text)


def _with_registry(text: str) -> str:
    first, slash, rest = text.partition("/")
    if first == "**":
        whole = text
    elif slash and ("." in first or ":" in first or first == "localhost"):
        whole = f"{DOCKER_HUB}/{rest}" if first == "index.docker.io" else text
    else:
        whole = f"{DOCKER_HUB}/{text}" if slash else f"{DOCKER_HUB}/library/{text}"
    if len(whole) > MAX_NAME_LENGTH:
        raise PolicyError(f"{shortened(text)!r} is longer than {MAX_NAME_LENGTH} characters")
    return whole


def check_path(text: str) -> None:
    """Check a glob over paths below a folder. Raises PolicyError, saying why."""
    shown = repr(shortened(text))
    if len(text) > MAX_PATH_GLOB_LENGTH:
        raise PolicyError(f"{shown} is longer than {MAX_PATH_GLOB_LENGTH} characters")
    if text.startswith("/"):
        raise PolicyError(f"{shown} starts with /", hint="paths are relative to this file's folder")
    if text.startswith("!"):
        raise PolicyError(f"{shown} starts with !", hint="paths can only be added, not taken away")
    if text.endswith("/"):
        raise PolicyError(
            f"{shown} ends with /", hint=f"write {shortened(text)}** for all below it"
        )
    if found := re.search(r"[\\?\[\]{}\x00-\x1f]", text):
        hint = "a glob has * (inside one part) and ** (across /) only"
        raise PolicyError(f"{shown} holds {found[0]!r}", hint=hint)
    if {"..", "."} & set(text.split("/")):
        hint = "put the policy into the folder it governs"
        raise PolicyError(f"{shown} holds . or .. as a part", hint=hint)
    _check_parts(text)
    last = text.rpartition("/")[2]
    if "." not in last and "*" not in last:
        raise PolicyError(
            f"{shown} names a file without an ending",
            hint=f"for a folder write {shortened(text)}/**",
        )


def _check_parts(text: str) -> None:
    for part in text.split("/"):
        if not part:
            raise PolicyError(f"{shortened(text)!r} has an empty part", hint="remove the extra /")
        if "**" in part and part != "**":
            hint = "** stands alone between slashes: acme/**"
            raise PolicyError(f"{shortened(text)!r} joins ** with other characters", hint=hint)
