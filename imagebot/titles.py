"""Titles, and the short words in which a change is told: versions, names, places.

Pure. A title is read in a list, so it says what is updated to what and nothing more.
"""

from collections.abc import Sequence

from imagebot.image import Digest, Repository
from imagebot.model import Occurrence, Update
from imagebot.texts import MAX_SHOWN_LENGTH, one_line, unmentioning, visible
from imagebot.version import Step

_MAX_ALIAS_LINES = 10  # shown of one value
_MIN_NAME = 20  # characters of an image's name in a title, however long all else is


def title(updates: Sequence[Update], within: str = "") -> str:
    """A line that can be read in a list: `Update acme/api to 2.4.1 (minor)`.

    `within` names a group that people made, "" where there is none to tell of. A long name of an
    image is cut, so that version and step are there to be read.
    """
    repositories = list(dict.fromkeys(update.repository for update in updates))
    group = unmentioning(one_line(within))
    where = f" ({group})" if within else ""
    if len(repositories) > 1:
        return f"Update {len(repositories)} images{where}"
    name = short_name(repositories[0])
    text = _of_one_image(name, updates, group)
    too_much = len(text) - MAX_SHOWN_LENGTH
    if too_much <= 0:
        return text
    return _of_one_image(one_line(name, max(len(name) - too_much, _MIN_NAME)), updates, group)


def _of_one_image(name: str, updates: Sequence[Update], group: str) -> str:
    where = f" ({group})" if group else ""
    tags = list(dict.fromkeys(update.tag for update in updates))
    if len(tags) > 1:
        return f"Update {name} to {len(tags)} versions{where}"
    if all(update.reference.tag == update.tag for update in updates):
        verb = "Pin" if updates[0].digest else "Unpin"
        return f"{verb} {name} {tags[0]}{' by digest' if updates[0].digest else ''}{where}"
    aside = ", ".join(word for word in (highest_step(updates), group) if word)
    return f"Update {name} to {tags[0]}{f' ({aside})' if aside else ''}"


def highest_step(updates: Sequence[Update]) -> Step | None:
    order = list(Step)
    return max((update.step for update in updates if update.step), key=order.index, default=None)


def short_name(repository: Repository) -> str:
    """The last two parts of a name, enough to recognise it in a list."""
    return "/".join(repository.familiar.split("/")[-2:])


def version_text(tag: str | None, digest: Digest | None) -> str:
    """Short form for people: `1.2.3`, `1.2.3@0123456789ab`."""
    return (tag or "") + (f"@{digest.short}" if digest else "")


def place_of(occurrence: Occurrence) -> str:
    """`file:line`, and the lines that change with it because they are aliases of the value."""
    place = f"{visible(occurrence.file, 200)}:{occurrence.line}"
    if not occurrence.aliases:
        return place
    shown = ", ".join(str(line) for line in occurrence.aliases[:_MAX_ALIAS_LINES])
    rest = len(occurrence.aliases) - _MAX_ALIAS_LINES
    more = f" and {rest} more" if rest > 0 else ""
    noun = "line" if len(occurrence.aliases) == 1 else "lines"
    return f"{place} (by alias also {noun} {shown}{more})"
