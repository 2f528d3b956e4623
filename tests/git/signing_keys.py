"""Keys made by the real ssh-keygen and gpg, and git's own judgement of what they signed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from imagebot.git import SigningKey
from imagebot.secret import Secret
from tests.servers.git_http import require

PHRASE = "open sesame"


def ssh_key(folder: Path, *words: str, phrase: str = "") -> SigningKey:
    """A new key, of which `folder/ssh` is the private half and `folder/ssh.pub` the public."""
    require("ssh-keygen")
    file = folder / "ssh"
    run(["ssh-keygen", "-q", "-N", phrase, "-f", str(file), *(words or ("-t", "ed25519"))])
    return SigningKey("ssh", Secret(file.read_text().strip()), file)


@contextmanager
def gpg_home() -> Iterator[dict[str, str]]:
    """The variables of a GnuPG of its own; in a short folder, since sockets lie in it."""
    require("gpg", "gpgconf")
    home = tempfile.mkdtemp(prefix="gpg-")
    variables = {"GNUPGHOME": home}
    try:
        yield variables
    finally:
        run(["gpgconf", "--kill", "all"], variables)
        shutil.rmtree(home, ignore_errors=True)


def gpg_key(
    folder: Path,
    home: dict[str, str],
    names: Sequence[str] = ("bot",),
    phrase: str = "",
    *,
    is_expired: bool = False,
) -> SigningKey:
    """New keys in one file `folder/openpgp.asc`."""
    then = ["--faked-system-time", "20200101T000000"] if is_expired else []
    expires = "2020-02-01" if is_expired else "never"
    for name in names:
        run(["gpg", *then, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase",
             phrase,
             "--quick-generate-key", f"{name} <{name}@example.org>", "ed25519", "sign", expires],
            home)  # fmt: skip
    armored = run(
        ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", phrase, "--armor",
         "--export-secret-keys"], home,
    )  # fmt: skip
    file = folder / "openpgp.asc"
    file.write_text(armored)
    return SigningKey("openpgp", Secret(armored.strip()), file)


def verified(repository: Path, commit: str, key: SigningKey, home: dict[str, str]) -> str:
    """What `git verify-commit` says where it believes this key alone; raises where it does not."""
    config: list[str] = []
    if key.format == "ssh":
        allowed = key.file.parent / "allowed"
        public = key.file.with_suffix(".pub").read_text()
        allowed.write_text(f"imagebot@example.org {public}")
        config = ["-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={allowed}"]
    command = ["git", *config, "-C", str(repository), "verify-commit", "--raw", commit]
    done = subprocess.run(
        command, env=_environment(home), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def run(command: list[str], variables: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, env=_environment(variables or {}), capture_output=True, text=True, timeout=60,
        check=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.stdout


def _environment(variables: dict[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **variables}
