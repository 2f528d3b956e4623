"""Sign commits: the `gpgsig` header that git and forges verify, by an SSH or an OpenPGP key.

Edge. Signs the bytes of the commit object as `git commit -S` does (git's `signature-format`), by
`ssh-keygen -Y sign` or `gpg --detach-sign`, so nothing of the object but the header differs. The
key lies in a folder of its own, in memory where the system offers that, made for the first commit
and removed with the signer; the user's own keys, agents and settings take no part.
"""

import contextlib
import itertools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from imagebot.errors import GitError, GitUnavailable
from imagebot.git.process import printable
from imagebot.git.tree import object_id
from imagebot.proposals import SignedCommit, UnsignedCommit
from imagebot.secret import Secret

_TIMEOUT_SECONDS = 60
_MAX_SHOWN_CHARACTERS = 300
# A file system in memory: a process that is killed leaves no key on a disk, and the path is short
# enough for the sockets of gpg's agent.
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes the name in it
_GPG_SETTINGS = "batch\nno-tty\nquiet\npinentry-mode error\ntrust-model always\n"
_ASKS_NOBODY = (
    "imagebot asks nobody: use a key without a passphrase, in a file that others cannot read"
)
_NO_AGENT = (
    "gpg needs its gpg-agent, whose socket takes no long path: install gnupg whole, and name a"
    " shorter folder in the environment variable TMPDIR"
)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key without passphrase, as text. `file` is where it came from, for messages."""

    format: Literal["ssh", "openpgp"]
    key: Secret
    file: Path


class _Key(Protocol):
    """A key that lies ready in a folder."""

    def sign(self, content: bytes) -> bytes: ...

    def close(self) -> None: ...


class Signer:
    """Signs for one clone, for one thread at a time; `close` removes the key."""

    def __init__(self, key: SigningKey) -> None:
        self._given = key
        self._folder: Path | None = None
        self._ready: _Key | None = None

    def sign(self, commit: UnsignedCommit) -> SignedCommit:
        """The signature of the commit object as it is. Raises GitError naming the key's file."""
        if self._ready is None:
            self._ready = self._prepare()
        return SignedCommit(commit.content, self._ready.sign(commit.content))

    def close(self) -> None:
        if self._ready is not None:
            self._ready.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._ready = self._folder = None

    def _prepare(self) -> _Key:
        kind = _SshKey if self._given.format == "ssh" else _OpenPgpKey
        self._folder = _new_folder()
        try:
            return kind(self._given, self._folder)
        except BaseException:
            self.close()
            raise


def joined(signed: SignedCommit) -> bytes:
    """The commit object with its signature. Raises GitError where it has not the id it must have.

    How many line ends a forge leaves behind the signature is told by the id alone.
    """
    bare = signed.signature.rstrip(b"\n")
    if not signed.commit:
        return with_signature(signed.content, bare)
    algorithm = "sha256" if len(signed.commit) == 64 else "sha1"
    for ends in (b"", b"\n", b"\n\n"):
        content = with_signature(signed.content, bare + ends)
        if object_id("commit", content, algorithm) == signed.commit:
            return content
    raise GitError(
        f"commit {signed.commit} was signed, but not as its signature tells",
        hint="sign by a key: author.signing with format and keyFile",
    )


def with_signature(content: bytes, signature: bytes) -> bytes:
    """A commit object with `signature` as its last header, each further line behind a space."""
    head, blank, message = content.partition(b"\n\n")
    is_sha256 = len(head.partition(b"\n")[0].removeprefix(b"tree ")) == 64
    name = b"gpgsig-sha256 " if is_sha256 else b"gpgsig "
    lines = signature.split(b"\n")
    return head + b"\n" + name + b"\n ".join(lines) + blank + message


def _new_folder() -> Path:
    """A folder that nobody else can look into (mkdtemp: 0700)."""
    for parent in (_IN_MEMORY, None):
        with contextlib.suppress(OSError):
            return Path(tempfile.mkdtemp(prefix="imagebot-key-", dir=parent))
    raise GitError(
        "commits cannot be signed: no folder for the key can be made",
        hint="name a folder that can be written to in the environment variable TMPDIR",
    )


class _SshKey:
    def __init__(self, given: SigningKey, folder: Path) -> None:
        self._tool = _Tool(given, folder, {"SSH_AUTH_SOCK": ""})
        self._file = _write(folder / "key", given.key.reveal().replace("\r\n", "\n") + "\n")
        # ssh-keygen looks for the public half beside the key, and old formats do not hold it.
        said = self._tool.run(["ssh-keygen", "-y", "-P", "", "-f", str(self._file)])
        _write(folder / "key.pub", said.stdout.decode("utf-8", "replace"))

    def sign(self, content: bytes) -> bytes:
        command = ["ssh-keygen", "-Y", "sign", "-n", "git", "-f", str(self._file)]
        return self._tool.signature(command, content, b"-----BEGIN SSH SIGNATURE-----")

    def close(self) -> None:
        """No process stays."""


class _OpenPgpKey:
    def __init__(self, given: SigningKey, folder: Path) -> None:
        self._tool = _Tool(given, folder, {"GNUPGHOME": str(folder), "GPG_TTY": ""})
        _write(folder / "gpg.conf", _GPG_SETTINGS)
        try:
            self._tool.run(["gpg", "--import"], given.key.reveal().encode() + b"\n")
            self._name = self._only_key(given.file)
        except BaseException:
            self.close()
            raise

    def _only_key(self, file: Path) -> str:
        """The fingerprint of the one key with a secret half; gpg picks the subkey that signs."""
        listed = self._tool.run(["gpg", "--list-secret-keys", "--with-colons"])
        rows = [line.split(":") for line in listed.stdout.decode("utf-8", "replace").splitlines()]
        found = [
            following[9]
            for row, following in itertools.pairwise(rows)
            if row[0] == "sec" and following[0] == "fpr" and len(following) > 9
        ]
        if len(found) != 1:
            raise GitError(
                f"the signing key {file} holds {len(found) or 'no'} secret keys",
                hint="write one into it: gpg --armor --export-secret-keys FINGERPRINT",
            )
        return found[0]

    def sign(self, content: bytes) -> bytes:
        command = ["gpg", "--armor", "--local-user", self._name, "--detach-sign"]
        return self._tool.signature(command, content, b"-----BEGIN PGP SIGNATURE-----")

    def close(self) -> None:
        """Stop the agent that gpg started: it would hold the key after the folder is gone."""
        for word in ("--kill", "--remove-socketdir"):
            with contextlib.suppress(GitError):
                self._tool.run(["gpgconf", word, *(["all"] if word == "--kill" else [])])


@dataclass(frozen=True, slots=True)
class _Tool:
    """Runs ssh-keygen or gpg with an environment of nothing but what is given here."""

    given: SigningKey
    folder: Path
    environment: Mapping[str, str]

    def signature(self, command: Sequence[str], content: bytes, begins: bytes) -> bytes:
        done = self.run(command, content)
        if not done.stdout.startswith(begins):
            raise GitError(f"{command[0]} gave no signature with the key {self.given.file}")
        return done.stdout

    def run(
        self, command: Sequence[str], stdin: bytes = b""
    ) -> "subprocess.CompletedProcess[bytes]":
        """Raises GitError that names the key's file and says what to do."""
        closed = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.folder)}
        closed |= {"LC_ALL": "C", "LANGUAGE": "C", "SSH_ASKPASS_REQUIRE": "never"}
        try:
            done = subprocess.run(
                list(command),
                input=stdin,
                capture_output=True,
                env=closed | dict(self.environment),
                cwd=self.folder,
                timeout=_TIMEOUT_SECONDS,
                start_new_session=True,  # no terminal to ask on
                check=False,
            )
        except OSError as error:
            package = "openssh-client" if command[0] == "ssh-keygen" else "gnupg"
            raise GitError(
                f"commits cannot be signed: {command[0]} could not be started",
                hint=f"install {package}, or leave out author.signing in the settings",
            ) from error
        except subprocess.TimeoutExpired as error:
            raise GitUnavailable(
                f"{command[0]} did not end within {_TIMEOUT_SECONDS} seconds"
            ) from error
        if done.returncode != 0:
            raise self._refusal(self._without_key(printable(done.stderr, ())))
        return done

    def _without_key(self, said: str) -> str:
        """gpg quotes lines that it does not take for armor: those of the key itself."""
        key = self.given.key.reveal()
        return re.sub(
            r"[\w+/=]{6,}", lambda found: "****" if found[0] in key else found[0], said, flags=re.A
        )

    def _refusal(self, said: str) -> GitError:
        shown = " / ".join(said.replace(f"{self.folder}/", "").splitlines())
        shown = shown[-_MAX_SHOWN_CHARACTERS:]
        where = f"the signing key {self.given.file} cannot be used"
        if "gpg-agent" in said:
            return GitError(f"{where}: {shown}", hint=_NO_AGENT)
        if any(word in said for word in ("passphrase", "pinentry", "Pinentry")):
            return GitError(f"{where}: it is protected by a passphrase", hint=_ASKS_NOBODY)
        return GitError(f"{where}: {shown}", hint=_HINTS[self.given.format])


_HINTS = {
    "ssh": "author.signing.keyFile has to name a private key as ssh-keygen makes it",
    "openpgp": "author.signing.keyFile has to name a key that can sign and has not expired,"
    " as gpg --armor --export-secret-keys FINGERPRINT writes it",
}


def _write(path: Path, text: str) -> Path:
    """A file that nobody else can read: ssh-keygen refuses others, whatever the source's mode."""
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text)
    return path
