"""What a row of the tables is made of."""

from dataclasses import dataclass, field

from imagebot.patterns import Pattern
from imagebot.policy.model import Suffix, TagRules
from imagebot.version import Range, Step

DEFAULT = TagRules()
NEWER_SUFFIX = TagRules(suffix=Suffix.NEWER)
COERCE = TagRules(coerce=True)
PATCH = TagRules(allow=Step.PATCH)
MINOR = TagRules(allow=Step.MINOR)


def within(text: str) -> TagRules:
    """A policy with a range."""
    return TagRules(range=Range.parse(text))


def extracting(pattern: str, *templates: str) -> TagRules:
    """A policy with a filter and an extract."""
    return TagRules(filter=Pattern.compile(pattern), extract=templates)


@dataclass(frozen=True, slots=True)
class Case:
    """One reference in a file, and the tag that should replace it (None: it stays)."""

    current: str
    chosen: str | None
    why: str = ""
    rules: TagRules = field(default=DEFAULT)


@dataclass(frozen=True, slots=True)
class Listing:
    """One repository: the tags, separated by blanks, and what is taken of them."""

    image: str
    text: str
    cases: tuple[Case, ...]

    @property
    def tags(self) -> list[str]:
        return self.text.split()
