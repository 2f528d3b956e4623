"""The shape of a tag: what stays when its numbers and commit ids change.

Pure. `main-3f2a9c1-1728900000` has the shape `main-@-#`: text, a commit, a number. Orders other
than semver have no notion of a version inside a tag, so by default they compare only tags of the
current one's shape; that keeps `main-...` from being replaced by `feature-...`.
"""

import re
from dataclasses import dataclass, field
from typing import Self

_COMMIT = "[0-9a-f]{7,40}"  # git's abbreviation of an id, or the whole
_USUAL_COMMIT_LENGTHS = (7, 40)
# A commit stands alone between separators and has a digit and a letter, which words rarely do.
_TOKEN = re.compile(
    rf"(?<![0-9A-Za-z])(?P<g>g?)(?P<commit>(?=[0-9]*[a-f])(?=[a-f]*[0-9]){_COMMIT})(?![0-9A-Za-z])"
    r"|[0-9]+"
)
_ALONE = re.compile(r"(?<![0-9A-Za-z])[0-9]+(?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class Shape:
    """Tags that differ from one another in numbers and commit ids only. Equal by `text`."""

    text: str  # `#` for a number, `@` for a commit: no tag holds these characters
    _pattern: re.Pattern[str] = field(repr=False, compare=False)
    _kinds: str = field(repr=False, compare=False)  # of the pattern's groups: "#" or "@" each

    @classmethod
    def of(cls, tag: str, *, digits_may_be_commit: bool = False) -> Self:
        """The shape of one tag.

        `digits_may_be_commit`: of 7-digit commit ids one in 27 has no letter, so where numbers
        do not count a lone number of a commit's usual length is taken for one.
        """
        texts, patterns, kinds = [], [], ""
        at = 0
        for found in _TOKEN.finditer(tag):
            literal = tag[at : found.start()]
            at = found.end()
            is_commit = found["commit"] is not None or (
                digits_may_be_commit and _may_be_commit(tag, found)
            )
            kind = "@" if is_commit else "#"
            kinds += kind
            texts += [literal + (found["g"] or ""), kind]
            # Possessive: a longer number is never tried again as a shorter one.
            number = f"({_COMMIT})" if is_commit else "([0-9]++)"
            patterns += [re.escape(literal + (found["g"] or "")), number]
        texts.append(tag[at:])
        patterns.append(re.escape(tag[at:]))
        return cls("".join(texts), re.compile("".join(patterns)), kinds)

    def fits(self, tag: str) -> bool:
        return self._pattern.fullmatch(tag) is not None

    def numbers(self, tag: str) -> tuple[str, ...] | None:
        """The numbers of a tag of this shape, without commits; None for another shape."""
        found = self._pattern.fullmatch(tag)
        if found is None:
            return None
        pairs = zip(self._kinds, found.groups(), strict=True)
        return tuple(text for kind, text in pairs if kind == "#")


def _may_be_commit(tag: str, found: re.Match[str]) -> bool:
    digits = found[0]
    is_alone = _ALONE.match(tag, found.start()) is not None
    return is_alone and len(digits) in _USUAL_COMMIT_LENGTHS and digits.isascii()


def natural_key(text: str) -> tuple[tuple[int, int | str], ...]:
    """Sorts digits as numbers and the rest bytewise: `3.9` before `3.20`, numbers before text.

    No text is refused, so it can rank what is extracted besides the version.
    """
    pieces = re.split(r"([0-9]+)", text)  # text, digits, text, digits, ..., text
    return tuple(
        (0, int(piece)) if index % 2 else (1, piece) for index, piece in enumerate(pieces) if piece
    )
