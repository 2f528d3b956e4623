"""What a git remote is, which addresses and names are taken, and how credentials reach git.

Pure. A URL never holds a credential: an HTTP password goes through the environment as a header
that git sends to this address alone, an SSH key by the name of its file.
"""

import base64
import ipaddress
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from imagebot.errors import GitError
from imagebot.secret import Secret

SSH_CONNECT_TIMEOUT_SECONDS = 15

_OBJECT_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_OUR_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*\Z")
_GIT_FORBIDS = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|\Z)|[/.]\Z|\A[-/.]|\A@\Z"
)
_SCP_LIKE = re.compile(
    r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?([A-Za-z0-9][A-Za-z0-9.-]*):(?!/?/)[^-:].*\Z"
)
_UNWANTED_IN_URL = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who our commits are by, as author and committer."""

    name: str
    email: str

    def __post_init__(self) -> None:
        if not self.name.strip() or re.search(r"[\x00-\x1f\x7f<>]", self.name + self.email):
            raise GitError(f"not a name and address for commits: {self.name!r} {self.email!r}")


@dataclass(frozen=True, slots=True)
class HttpCredentials:
    """User name and password or token for HTTPS. Forges take any user name with a token.

    Without a name the token is sent as a bearer, since some tokens belong to nobody.
    """

    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class SshCredentials:
    """A private key without passphrase, and the host keys that are believed."""

    key_file: Path
    known_hosts_file: Path


@dataclass(frozen=True, slots=True)
class Remote:
    """A git repository elsewhere. `base` None: the branch that the remote's HEAD names.

    Plain HTTP is taken from loopback only, unless `allow_http`; files only with `allow_file`.
    `ca_file` holds further certificate authorities, as PEM. `is_agit`: our branches are requests
    that a push to `refs/for/` opens (agit.py).
    """

    url: str
    base: str | None = None
    credentials: HttpCredentials | SshCredentials | None = None
    allow_file: bool = False
    ca_file: Path | None = None
    allow_http: bool = False
    is_agit: bool = False

    def __post_init__(self) -> None:
        check_url(self.url, allow_file=self.allow_file, allow_http=self.allow_http)
        if self.base is not None:
            check_branch(self.base)
        scheme = scheme_of(self.url)
        if isinstance(self.credentials, HttpCredentials) and scheme not in ("http", "https"):
            raise GitError(f"a password cannot be used with {self.url}", hint="it needs an SSH key")
        if isinstance(self.credentials, SshCredentials) and scheme != "ssh":
            raise GitError(f"an SSH key cannot be used with {self.url}", hint="it needs a password")


def scheme_of(url: str) -> str:
    if "://" in url:
        return url.partition("://")[0]
    return "file" if url.startswith("/") else "ssh"


def check_url(url: str, *, allow_file: bool, allow_http: bool) -> None:
    """Refuse what is not an address of a kind we speak. Raises GitError without showing secrets."""
    if _UNWANTED_IN_URL.search(url) or url.startswith("-") or not url:
        raise GitError("a git address is empty, starts with a dash or holds spaces")
    if url.startswith("/"):
        _require(allow_file, url, "a path on this machine is not allowed here")
        return
    if "://" not in url:
        _require(_SCP_LIKE.match(url) is not None, _masked(url), "it is no git address")
        return
    parts = urlsplit(url)
    if parts.scheme == "file":
        _require(allow_file and not parts.netloc, url, "a path on this machine is not allowed here")
    elif parts.scheme in ("http", "https"):
        _require("@" not in parts.netloc, _masked(url), "credentials may not stand in the address")
        _require(not parts.query and not parts.fragment, _masked(url), "it has a query or fragment")
        safe = parts.scheme == "https" or allow_http or _is_loopback(parts.hostname or "")
        _require(safe, url, "plain http is only taken from loopback; use https")
    elif parts.scheme == "ssh":
        _require(parts.password is None, _masked(url), "a password may not stand in the address")
        _require(not (parts.username or "").startswith("-"), url, "the user starts with a dash")
    else:
        raise GitError(f"git addresses of kind {parts.scheme!r} are not taken", hint=_KINDS)
    if parts.scheme != "file":
        host = parts.hostname or ""
        _require(bool(host) and not host.startswith("-"), _masked(url), "it names no host")


_KINDS = "use https://host/path, ssh://user@host/path or user@host:path"


def _require(holds: bool, url: str, why: str) -> None:
    if not holds:
        raise GitError(f"git address {url!r} is not taken: {why}", hint=_KINDS)


def _masked(url: str) -> str:
    return re.sub(r"(://|\A)[^/@]*@", r"\1****@", url)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_branch(name: str) -> str:
    """Refuse a branch name that git would refuse, or that looks like an option."""
    if _GIT_FORBIDS.search(name) or not name or len(name.encode()) > 250:
        raise GitError(f"not a branch name: {name!r}")
    return name


def is_our_alphabet(name: str) -> bool:
    """Whether imagebot could have made this branch name: letters, digits, `.`, `_`, `-`, `/`.

    git itself takes `refs/heads/$(id)` and `refs/heads/-x` for good names.
    """
    return _OUR_BRANCH.match(name) is not None and not _GIT_FORBIDS.search(name)


def check_object_id(text: str) -> str:
    if not _OBJECT_ID.match(text):
        raise GitError(f"not a full object id: {text[:80]!r}")
    return text


def transport_config(remote: Remote) -> dict[str, str]:
    """git settings for this remote alone: its protocol, its header, its certificates."""
    scheme = scheme_of(remote.url)
    config = {f"protocol.{scheme}.allow": "always"}
    if scheme in ("http", "https"):
        config["http.sslVerify"] = "true"
        if remote.ca_file is not None:
            config["http.sslCAInfo"] = str(remote.ca_file)
    if isinstance(remote.credentials, HttpCredentials):
        config[f"http.{remote.url}.extraHeader"] = (
            f"Authorization: {_authorization(remote.credentials)}"
        )
    return config


def transport_environment(remote: Remote) -> Mapping[str, str]:
    if scheme_of(remote.url) != "ssh":
        return {}
    return {"GIT_SSH_COMMAND": _ssh_command(remote.credentials), "GIT_SSH_VARIANT": "ssh"}


def secrets_of(remote: Remote) -> tuple[str, ...]:
    """Every spelling of the password that a message could hold."""
    if not isinstance(remote.credentials, HttpCredentials) or not remote.credentials.password:
        return ()
    password = remote.credentials.password.reveal()
    alone = base64.b64encode(password.encode()).decode()
    return (password, quote(password, safe=""), _basic(remote.credentials), alone)


def _authorization(credentials: HttpCredentials) -> str:
    if not credentials.username:
        return f"Bearer {credentials.password.reveal()}"
    return f"Basic {_basic(credentials)}"


def _basic(credentials: HttpCredentials) -> str:
    pair = f"{credentials.username}:{credentials.password.reveal()}"
    return base64.b64encode(pair.encode()).decode()


def _ssh_command(credentials: HttpCredentials | SshCredentials | None) -> str:
    """git gives this to a shell, so every word is quoted."""
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "ConnectTimeout": str(SSH_CONNECT_TIMEOUT_SECONDS),
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "3",
        "ForwardAgent": "no",
        "ClearAllForwardings": "yes",
        "PermitLocalCommand": "no",
        "UpdateHostKeys": "no",
    }
    words = ["ssh"]
    if isinstance(credentials, SshCredentials):
        # With a key of our own, nothing of the account's SSH set-up takes part.
        words += ["-F", "/dev/null"]
        options |= {
            "IdentityFile": _ssh_file(credentials.key_file),
            "UserKnownHostsFile": _ssh_file(credentials.known_hosts_file),
            "GlobalKnownHostsFile": "/dev/null",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "PreferredAuthentications": "publickey",
        }
    for name, value in options.items():
        words += ["-o", f"{name}={value}"]
    return " ".join(shlex.quote(word) for word in words)


def _ssh_file(file: Path) -> str:
    """A file name as an ssh option takes it: in quotes, and with no %h or ${NAME} to replace."""
    if re.search(r'["\\\n]|\$\{', str(file)):
        raise GitError(f"ssh cannot use a file of this name: {str(file)!r}")
    return '"' + str(file.absolute()).replace("%", "%%") + '"'
