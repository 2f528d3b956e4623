"""What was found in a whole tree, as one text, so that an unchanged tree is never looked at again.

Pure. Only files that hold something are in it, so its size follows the images and not the files.
A tree that differs little from one that is kept already is kept as the difference to it. What
a file holds is opaque here: three texts without line breaks, see survey.py.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_CHAIN = 8  # differences laid over each other, before the whole is written again
MAX_CONTENT_BYTES = 16 * 1024 * 1024  # of what is kept of one tree
_LARGE_DIFFERENCE = 4  # one that is more than a fourth of the whole saves too little


class Content(NamedTuple):
    """What one file holds: images, policy documents, and what is ignored; b"" for none."""

    images: bytes
    documents: bytes
    ignores: bytes = b""


NO_CONTENT = Content(b"", b"")


@dataclass(slots=True)
class KeptTree:
    """All that a survey needs to know of the files of a tree."""

    file_count: int = 0  # of those looked at
    contents: dict[str, Content] = field(default_factory=dict)  # by path; only what holds something
    passed_over: dict[str, str] = field(default_factory=dict)  # reason by name


class Row(NamedTuple):
    """One text: a whole tree, or what differs from those that `chain` names, the whole one first.

    A file that holds nothing any more is there with no content.
    """

    chain: tuple[str, ...]
    tree: KeptTree


def encode(tree: KeptTree, chain: Sequence[str] = ()) -> bytes:
    """A header, then four lines a file. Paths hold no line breaks: git/tree.py sees to that."""
    header = {"chain": list(chain), "files": tree.file_count, "passed_over": tree.passed_over}
    lines = [json.dumps(header, separators=(",", ":")).encode()]
    for path, content in tree.contents.items():
        lines += path.encode(), *content
    return b"\n".join(lines)


def decode(text: bytes) -> Row:
    """Undo `encode`."""
    first, *lines = text.split(b"\n")
    header = json.loads(first)
    paths = [path.decode() for path in lines[::4]]
    columns = lines[1::4], lines[2::4], lines[3::4]
    contents = dict(zip(paths, map(Content, *columns), strict=True))
    return Row(
        tuple(header["chain"]), KeptTree(header["files"], contents, dict(header["passed_over"]))
    )


def lay_over(rows: Sequence[Row]) -> KeptTree:
    """The tree that the rows of a chain, the whole one first, are together."""
    contents: dict[str, Content] = {}
    for row in rows:
        contents |= row.tree.contents
    if len(rows) > 1:
        contents = {path: content for path, content in contents.items() if any(content)}
    last = rows[-1].tree
    return KeptTree(last.file_count, contents, last.passed_over)


def encode_change(
    whole: KeptTree, changed: Mapping[str, Content], chain: Sequence[str]
) -> bytes | None:
    """The tree as what differs from the one that the chain leads to; None when that is much."""
    if len(chain) > MAX_CHAIN or len(changed) * _LARGE_DIFFERENCE > len(whole.contents):
        return None
    return encode(KeptTree(whole.file_count, dict(changed), whole.passed_over), chain)
