"""The git edge: a bare clone of a remote, its trees, our commits and pushes. The only room that
runs git.

`clone.BareClone` is what the service uses; `remote` says what a remote is, `process` starts git,
`hardening` closes its environment, `complaints` understands its stderr, `seal` knows our own
commits, `signing` signs them, `agit` finds and asks for requests by pushes alone, `worktree` asks
a person's checkout for its files.
"""

from imagebot.git.clone import BareClone
from imagebot.git.remote import HttpCredentials, Identity, Remote, SshCredentials
from imagebot.git.signing import SigningKey
from imagebot.git.state import GitState, OurCommit, Push
from imagebot.git.tree import BareTree

__all__ = [
    "BareClone",
    "BareTree",
    "GitState",
    "HttpCredentials",
    "Identity",
    "OurCommit",
    "Push",
    "Remote",
    "SigningKey",
    "SshCredentials",
]
