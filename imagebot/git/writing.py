"""Write one commit into a bare clone: `git fast-import` for the tree, then the sealed commit.

Edge. No index and no work tree: 20 ms where GitPython's index takes a second or more. Equal
input, equal time included, gives the equal commit id, unless it is signed.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from imagebot.errors import GitError
from imagebot.git.process import Runner
from imagebot.git.remote import Identity
from imagebot.git.seal import is_sealed, parse_commit, seal
from imagebot.git.signing import joined
from imagebot.git.tree import BareTree, check_writable
from imagebot.interfaces import CommitSigner
from imagebot.proposals import BranchHead, UnsignedCommit

# fast-import makes trees only for commits, so it gets a ref of its own that is never pushed.
_DRAFT_REF = "refs/imagebot/draft"


def write_commit(
    runner: Runner,
    base: BranchHead,
    tree: BareTree,
    files: Mapping[str, bytes],
    message: str,
    identity: Identity,
    at: datetime,
    signer: CommitSigner | None = None,
    former: str | None = None,
) -> str:
    """The id of a sealed commit on `base` in which `files` have the content given.

    Files keep their mode. `signer` gives the commit a signature, or raises. `former` becomes a
    second parent, whose files do not matter. Raises GitError if nothing would change or a path may
    not be written, ForgeError where a forge does not sign.
    """
    if at.tzinfo is None:
        raise GitError("the time of a commit needs a time zone")
    if not message.strip() or "\0" in message:
        raise GitError("a commit needs a message, without NUL characters")
    modes = {path: check_writable(tree, path) for path in sorted(files)}
    new_tree = _write_tree(runner, base, files, modes, at)
    if new_tree == base.tree:
        raise GitError(f"nothing to commit: no file would differ from {base.branch}")
    person = f"{identity.name} <{identity.email}> {int(at.timestamp())} +0000"
    parents = (base.commit,) if former is None else (base.commit, former)
    sealed = seal(parents, new_tree, message.replace("\r\n", "\n"))
    content = (
        f"tree {new_tree}\n"
        + "".join(f"parent {parent}\n" for parent in parents)
        + f"author {person}\ncommitter {person}\n\n"
        + sealed
    ).encode()
    if signer is not None:
        changed = {path: (modes[path], content) for path, content in files.items()}
        unsigned = UnsignedCommit(content, new_tree, parents, sealed, base.tree, changed)
        content = _signed(unsigned, signer, identity)
    finished = runner.run(["hash-object", "-t", "commit", "-w", "--stdin"], stdin=[content])
    return _object_id(finished.stdout, finished.stderr, finished.status)


def _signed(unsigned: UnsignedCommit, signer: CommitSigner, identity: Identity) -> bytes:
    """The commit object with its signature; whoever signed it must have changed nothing else.

    A forge puts other people and another time to it. That we would not know it again as ours is
    found out here, before anybody sees it.
    """
    content = joined(signer.sign(unsigned))
    made = parse_commit(content)
    asked = (unsigned.tree, unsigned.parents, unsigned.message.rstrip("\n"))
    if (made.tree, made.parents, made.message.rstrip("\n")) != asked:
        raise GitError("another commit was signed than was asked for; nothing is pushed")
    if not is_sealed(made, identity):
        raise GitError(
            f"a commit by {made.author}, committed by {made.committer}, was signed, which imagebot"
            " would take for a person's; nothing is pushed",
            hint="sign by a key: author.signing with format and keyFile",
        )
    return content


def _write_tree(
    runner: Runner,
    base: BranchHead,
    files: Mapping[str, bytes],
    modes: Mapping[str, str],
    at: datetime,
) -> str:
    stream = _import_stream(base.commit, files, modes, int(at.astimezone(UTC).timestamp()))
    finished = runner.run(
        ["fast-import", "--quiet", "--force", "--done", "--cat-blob-fd=1"], stdin=stream
    )
    # The answer to `ls`: 040000 tree <id> <tab>
    return _object_id(
        finished.stdout.removeprefix(b"040000 tree "), finished.stderr, finished.status
    )


def _import_stream(
    parent: str, files: Mapping[str, bytes], modes: Mapping[str, str], seconds: int
) -> Iterator[bytes]:
    head = f"commit {_DRAFT_REF}\nmark :1\ncommitter draft <draft@localhost> {seconds} +0000\n"
    yield head.encode() + b"data 0\n" + f"from {parent}\n".encode()
    for path, mode in modes.items():
        yield f"M {mode} inline ".encode() + _quoted(path) + b"\n"
        yield f"data {len(files[path])}\n".encode() + files[path] + b"\n"
    # The empty line ends the commit, whose mark is not known before.
    yield b'\nls :1 ""\ndone\n'


def _quoted(path: str) -> bytes:
    r"""In C style, where `"` and `\` alone need care: check_writable refused control characters."""
    return b'"' + path.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def _object_id(stdout: bytes, stderr: str, status: int) -> str:
    found = re.match(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?\b", stdout)
    if status != 0 or found is None:
        raise GitError(f"git could not write the commit: {stderr[-400:]}")
    return found[0].decode()
