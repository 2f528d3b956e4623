"""Tell our own commits from a person's, with nothing remembered.

Pure. The last trailer of each commit that imagebot makes is a hash over its parent, its tree and
the rest of its message:

    Imagebot-Seal: 6f1c...

Those before it name the branch that the commit was made for (Imagebot-Branch) and the second in
which it was made (Imagebot-Written); those of older imagebots name neither.

A commit is ours only if it has our identity as author and as committer, or those of a forge that
signed it for an App, and a seal that fits.
Whatever a person does on our branch breaks one of these: a new commit has no seal or that of
another parent and tree; an amended commit has another tree, message, committer or time (but for
one that a forge signed, which puts its own time to it); a cherry-picked
or rebased one another parent; a merge of the base other parents; our commit of another branch
names that. (Only AGit gives a commit of ours a second parent, see agit.py; the first is always the
base.) The seal is no signature: it guards people's work from us, not us from forgers.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from imagebot.git.remote import Identity

SEAL = "Imagebot-Seal"
BRANCH = "Imagebot-Branch"
WRITTEN = "Imagebot-Written"

_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]*): ?(.*)\Z")
# How GitHub signs for an App: the App's bot is the author, GitHub itself the committer.
_APP = re.compile(r".*\[bot\] <[^<>]*>")
_SIGNING_FORGE = re.compile(r"GitHub(?: Enterprise)? <noreply@[^<>\s]+>")
_PERSON = re.compile(r"([^<>]*) <([^<>]*)> \d+ [+-]\d{4}\Z")


@dataclass(frozen=True, slots=True)
class RawCommit:
    """A commit object as git stores it, read but not yet believed."""

    tree: str
    parents: tuple[str, ...]
    author: str
    committer: str
    message: str
    written: datetime | None = None  # by the clock of who committed it


def parse_commit(content: bytes) -> RawCommit:
    """Read a commit object. Headers that we do not use (signatures, encoding) are passed over."""
    head, _blank, message = content.partition(b"\n\n")
    headers: dict[str, list[str]] = {}
    for line in head.decode("utf-8", "replace").split("\n"):
        name, _space, value = line.partition(" ")
        headers.setdefault(name, []).append(value)
    return RawCommit(
        tree=headers.get("tree", [""])[0],
        parents=tuple(headers.get("parent", [])),
        author=_person(headers.get("author", [""])[0]),
        committer=_person(headers.get("committer", [""])[0]),
        message=message.decode("utf-8", "surrogateescape"),
        written=_moment(headers.get("committer", [""])[0]),
    )


def _moment(signed: str) -> datetime | None:
    """The time in a line like `Name <address> 1700000000 +0100`."""
    seconds = signed.rpartition("> ")[2].partition(" ")[0]
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def seal(parents: Sequence[str], tree: str, message: str) -> str:
    """`message` with the sealing trailer as its last line."""
    text = _before_trailer(message)
    return f"{text}{SEAL}: {_hash(parents, tree, text)}\n"


def with_trailer(message: str, key: str, value: str) -> str:
    """`message` with one more trailer as its last line."""
    return f"{_before_trailer(message)}{key}: {value}\n"


def branch_of(message: str) -> str:
    """The branch that a commit of ours was made for; "" where it names none."""
    return _last(message, BRANCH)


def is_sealed(commit: RawCommit, identity: Identity) -> bool:
    """Whether we made this commit, and nobody changed it since."""
    if not commit.parents or not _is_by_us(commit, identity):
        return False
    if not _keeps_time(commit):
        return False
    text, mark, value = commit.message.rpartition(f"{SEAL}: ")
    return bool(mark) and value.removesuffix("\n") == _hash(commit.parents, commit.tree, text)


def trailers(message: str) -> tuple[tuple[str, str], ...]:
    """Key and value of each trailer of the last block, in order, without the seal."""
    block = message.rstrip("\n").rpartition("\n\n")[2]
    found = [_TRAILER.match(line) for line in block.split("\n")]
    return tuple((line[1], line[2]) for line in found if line is not None and line[1] != SEAL)


def _keeps_time(commit: RawCommit) -> bool:
    """Whether it was committed when it says, if it says so: amending takes the time of that."""
    said = _last(commit.message, WRITTEN)
    if not said or _SIGNING_FORGE.fullmatch(commit.committer):
        return True
    return commit.written is not None and said == written_at(commit.written)


def written_at(moment: datetime) -> str:
    """Seconds since 1970, as the trailer Imagebot-Written has them."""
    return str(int(moment.timestamp()))


def _last(message: str, name: str) -> str:
    """The value of the last trailer of that name, "" without one."""
    return next((value for key, value in reversed(trailers(message)) if key == name), "")


def _is_by_us(commit: RawCommit, identity: Identity) -> bool:
    ours = _person(f"{identity.name} <{identity.email}> 0 +0000")
    if commit.author == commit.committer == ours:
        return True
    return bool(_APP.fullmatch(commit.author) and _SIGNING_FORGE.fullmatch(commit.committer))


def _before_trailer(message: str) -> str:
    """A trailer joins the last block if that holds trailers alone, else it begins a new one."""
    text = message.rstrip("\n")
    return text + ("\n" if _last_block_is_trailers(text) else "\n\n")


def _last_block_is_trailers(text: str) -> bool:
    subject, blank, block = text.rpartition("\n\n")
    return bool(subject and blank) and all(_TRAILER.match(line) for line in block.split("\n"))


def _hash(parents: Sequence[str], tree: str, text: str) -> str:
    sealed = "\0".join((*parents, tree, text)).encode("utf-8", "surrogateescape")
    return hashlib.sha256(sealed).hexdigest()[:40]


def _person(line: str) -> str:
    found = _PERSON.match(line)
    return f"{found[1].strip()} <{found[2].strip()}>" if found else line
