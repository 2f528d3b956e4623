"""Understand what git, ssh and servers say on stderr, and say it as one of our errors with a hint.

Pure. The words are those of git in the C locale. What is not known is passed on as GitError with
the last words of git, bounded; process.py has taken out secrets and control characters.
"""

import re
from collections.abc import Iterable

from imagebot.errors import GitError, GitUnavailable, PushDeclined, PushRejected

MAX_SHOWN_CHARACTERS = 600

# What it looks like, what it is, what to do. The first that matches counts: ssh says "could not
# read from remote repository" after every failure, so the causes stand before it.
_REFUSALS: tuple[tuple[str, str, str], ...] = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED",
        "the host key of the git server has changed",
        "if the server was renewed, replace its line in the known-hosts file;"
        " if not, somebody stands in between",
    ),
    (
        r"Host key verification failed|No [\w-]+ host key is known",
        "the host key of the git server is not known",
        "add it to the known-hosts file (ssh-keyscan HOST, compared with what the host publishes)",
    ),
    (
        r"UNPROTECTED PRIVATE KEY FILE|bad permissions",
        "ssh refuses the key file because others may read it",
        "give the key file mode 0400",
    ),
    (
        r"Permission denied \(|Load key .{0,500}: (?:error|invalid)",
        "the git server does not take this SSH key",
        "check that the public key is registered there, with write access where imagebot pushes",
    ),
    (
        r"Authentication failed|could not read (?:Username|Password)|HTTP Basic: Access denied"
        r"|invalid credentials|requested URL returned error: 401",
        "the git server does not take these credentials",
        "check user name and token, and that the token has not run out",
    ),
    (
        r"requested URL returned error: 403|Write access to repository not granted"
        r"|You are not allowed to push|permission to .{0,500} denied",
        "these credentials may not do this on the git server",
        "the token needs read and write access to the repository's contents",
    ),
    (
        r"requested URL returned error: 404|[Rr]epository .{0,500}not found"
        r"|does not appear to be a git|[Pp]roject you were looking for could not be found",
        "there is no such git repository, or these credentials may not see it",
        "check the address; forges also answer so when the token lacks access",
    ),
    (
        r"requested URL returned error: 30\d|unable to update url base from redirection",
        "the git server sends on to another address, which imagebot does not follow",
        "the repository may have moved: write its new address into the settings",
    ),
    (
        r"SSL certificate problem|certificate verif|server verification failed|SSL: ",
        "the certificate of the git server is not trusted",
        "name the certificate authority's file in the settings",
    ),
    (
        r"receiving end does not support push options",
        "the git server takes no push options",
        "leave out forge.pushOptions, or set receive.advertisePushOptions on the server",
    ),
    (
        r"transport '[\w-]+' not allowed",
        "git would have used a transport that is switched off",
        "use https or ssh",
    ),
    (
        r"Disk quota exceeded|No space left on device",
        "there is no room left on the disk",
        "make room in imagebot's folder",
    ),
)

_OUT_OF_REACH = re.compile(
    r"Could ?n.t resolve host|Could not resolve hostname|Failed to connect|Could ?n.t connect"
    r"|Connection (?:refused|reset|timed out|closed)|Operation timed out|Operation too slow"
    r"|Network is unreachable|No route to host|Empty reply from server|early EOF"
    r"|remote end hung up|returned error: (?:408|429|5\d\d)|RPC failed|unexpected disconnect"
    r"|Recv failure|TLS connection was non-properly|Temporary failure in name resolution"
)

_MISSING_REF = re.compile(r"couldn't find remote ref")

# What the summary of a rejected ref says when the branch was not where we thought.
_STALE = re.compile(
    r"stale info|fetch first|non-fast-forward|cannot lock ref|failed to update ref"
    r"|reference already exists|incorrect old value|failed to lock"
)


class RemoteRefGone(GitUnavailable):
    """A branch went away between listing and fetching."""


class Unexplained(GitError):
    """git failed for a reason that is not known here; a damaged clone may be behind it."""


def complaint(doing: str, url: str, stderr: str) -> GitError:
    """The error that tells what went wrong while `doing` something with the remote."""
    where = f"{doing} {url}"
    for pattern, what, hint in _REFUSALS:
        if re.search(pattern, stderr):
            return GitError(f"{where}: {what}", hint=hint)
    if _MISSING_REF.search(stderr):
        return RemoteRefGone(f"{where}: a branch went away meanwhile")
    if _OUT_OF_REACH.search(stderr):
        return GitUnavailable(
            f"{where}: the git server could not be reached: {shown(stderr)}",
            hint="imagebot tries again later",
        )
    return Unexplained(f"{where}: git says: {shown(stderr)}")


def shown(stderr: str) -> str:
    """The telling lines of a complaint, in one line, bounded."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    telling = [line for line in lines if re.match(r"(fatal|error|remote|ERROR)\b", line)] or lines
    text = " / ".join(telling) or "nothing"
    if len(text) <= MAX_SHOWN_CHARACTERS:
        return text
    return "..." + text[-MAX_SHOWN_CHARACTERS:]


def push_complaint(url: str, porcelain: str, stderr: str) -> GitError:
    """Tell a lost race (PushRejected) from a server that declines a branch (PushDeclined).

    GitError where it takes no push at all, or is not there.

    `porcelain` holds one line for each ref: flag, `from:to` and a summary, split by tabs.
    """
    refused = [line.split("\t") for line in porcelain.splitlines() if line.startswith("!\t")]
    refused = [fields for fields in refused if len(fields) >= 3]
    if not refused:
        return complaint("pushing to", url, stderr)
    stale = [fields for fields in refused if _STALE.search(fields[2])]
    if len(stale) == len(refused):
        branches = tuple(_branches(stale))
        return PushRejected(
            f"pushing to {url}: {', '.join(branches)} moved on the remote meanwhile",
            hint="somebody else pushed; imagebot starts again from a fresh fetch",
            branches=branches,
            said=shown("\n".join(fields[2] for fields in stale)),
        )
    others = [fields for fields in refused if fields not in stale]
    why = "; ".join(
        f"{branch}: {fields[2]}" for branch, fields in zip(_branches(others), others, strict=True)
    )
    if any("force-push" in fields[2] for fields in others):  # AGit, of Gitea and Forgejo
        return PushDeclined(
            f"pushing to {url}: the request holds a commit that imagebot did not make: {why}",
            hint="imagebot writes over nobody's work: merge or close that request",
        )
    return PushDeclined(
        f"pushing to {url}: the server declines {why}: {shown(_server_words(stderr))}"[
            : 2 * MAX_SHOWN_CHARACTERS
        ],
        hint="the branch may be protected, or a hook of the server refuses it",
    )


def _branches(refused: Iterable[list[str]]) -> list[str]:
    return [fields[1].rpartition(":")[2].removeprefix("refs/heads/") for fields in refused]


def _server_words(stderr: str) -> str:
    lines = [line for line in stderr.splitlines() if line.startswith("remote:")]
    return "\n".join(lines) or stderr
