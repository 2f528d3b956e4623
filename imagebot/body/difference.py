"""What differs between two images by their own word: size, layers, user, ports, labels.

Pure. Rows for people; values of environment variables are not even known here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from imagebot.details import ImageDetails
from imagebot.sources import REVISION_LABELS, SOURCE_LABELS, VERSION_LABELS

BASE_NAME = "org.opencontainers.image.base.name"
BASE_DIGEST = "org.opencontainers.image.base.digest"
MAX_LABELS = 10
MAX_NAMES = 20
NONE = "(none)"
# Differ with every build, or stand elsewhere in the body.
_DULL = {*SOURCE_LABELS, *REVISION_LABELS, *VERSION_LABELS, BASE_NAME, BASE_DIGEST,
         "org.opencontainers.image.created", "org.label-schema.build-date"}  # fmt: skip


class Row(NamedTuple):
    what: str
    before: str
    after: str


def rows(before: ImageDetails, after: ImageDetails) -> list[Row]:
    """What differs, what matters most first; [] where nothing does."""
    if before.digest == after.digest:
        return []
    return [row for row in _rows(before, after) if row.before != row.after]


def _rows(before: ImageDetails, after: ImageDetails) -> Iterator[Row]:
    if before.layers and after.layers:
        yield Row("compressed size", _size(before, None), _size(after, before))
        if before.layers != after.layers:
            yield _layers(before, after)
    yield Row("base image", _base(before), _base(after))
    yield Row("source", _source(before), _source(after))
    yield _lists("platforms", before.platforms, after.platforms)
    if before.platform == after.platform:  # another platform's image says nothing of this one
        yield Row("user", before.user or "(root)", after.user or "(root)")
        yield Row("entrypoint", _command(before.entrypoint), _command(after.entrypoint))
        yield Row("command", _command(before.command), _command(after.command))
        yield Row("working directory", before.working_dir or "/", after.working_dir or "/")
        yield _lists("ports", before.ports, after.ports)
        yield _lists("volumes", before.volumes, after.volumes)
        yield _lists("environment (names)", before.env_names, after.env_names)
        yield from _labels(before.labels, after.labels)


def _size(image: ImageDetails, before: ImageDetails | None) -> str:
    shown = _megabytes(image.compressed_bytes)
    if before is None or not before.compressed_bytes:
        return shown
    percent = round(100 * (image.compressed_bytes / before.compressed_bytes - 1))
    return f"{shown} ({percent:+d} %)" if percent else shown


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def _layers(before: ImageDetails, after: ImageDetails) -> Row:
    known = {layer.digest for layer in before.layers}
    new = [layer for layer in after.layers if layer.digest not in known]
    shared = len(after.layers) - len(new)
    added = f", {_megabytes(sum(layer.compressed_bytes for layer in new))}" if new else ""
    return Row("layers", f"{len(before.layers)}", f"{len(after.layers)}: {shared} shared, "
               f"{len(new)} new{added}")  # fmt: skip


def _base(image: ImageDetails) -> str:
    name, digest = image.word(BASE_NAME), image.word(BASE_DIGEST)
    short = digest.partition(":")[2][:12]
    return f"{name}{f'@{short}' if short else ''}" or NONE


def _source(image: ImageDetails) -> str:
    """One project however it is written: a move to another one is worth a look."""
    bare = re.sub(
        r"^(?:[a-z+]{1,10}://)?(?:[^@/]{1,100}@)?", "", image.word(*SOURCE_LABELS).strip()
    )
    return bare.replace(":", "/").rstrip("/").removesuffix(".git") or NONE


def _command(words: Sequence[str]) -> str:
    return " ".join(words) or NONE


def _lists(what: str, before: Sequence[str], after: Sequence[str]) -> Row:
    """Of long lists only what went and what came."""
    gone = [each for each in before if each not in after]
    come = [each for each in after if each not in before]
    if not (gone or come):
        return Row(what, "", "")
    if len(before) + len(after) <= MAX_NAMES // 2:
        return Row(what, ", ".join(before) or NONE, ", ".join(after) or NONE)
    return Row(what, _some("without", gone), _some("with", come))


def _some(word: str, names: Sequence[str]) -> str:
    if not names:
        return "(as before)"
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"{word} {', '.join(names[:MAX_NAMES])}{more}"


def _labels(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Row]:
    changed = [
        key
        for key in sorted({*before, *after} - _DULL)
        if before.get(key, NONE) != after.get(key, NONE)
    ]
    for key in changed[:MAX_LABELS]:
        yield Row(f"label {key}", before.get(key, NONE), after.get(key, NONE))
    if len(changed) > MAX_LABELS:
        yield Row("more labels", "", f"{len(changed) - MAX_LABELS} differ")
