"""AGit: requests that are opened by a push to `refs/for/BASE/TOPIC`, with no branch of ours.

Pure. Gitea and Forgejo keep the head of each request as `refs/pull/NUMBER/head`, whatever became
of the request; the topic is not told, but a trailer of our commit names it. No lease can be told
for `refs/for/`, so no push ever asks the server to force: a new commit has the request's former
head as its second parent, and the server refuses it where the request holds anything else.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from imagebot.git.remote import is_our_alphabet
from imagebot.git.seal import RawCommit, branch_of
from imagebot.git.state import Push

HEADS = "refs/pull/*/head"  # for ls-remote
MAX_REQUESTS = 500

_HEAD = re.compile(r"refs/pull/([0-9]{1,9})/head")


def head_ref(number: int) -> str:
    return f"refs/pull/{number}/head"


def newest_requests(refs: Mapping[str, str]) -> dict[int, str]:
    """The commit of each of the newest requests by number, oldest first; bounded."""
    found = {int(m[1]): commit for name, commit in refs.items() if (m := _HEAD.fullmatch(name))}
    return dict(sorted(found.items())[-MAX_REQUESTS:])


def branches(
    requests: Mapping[int, str],
    commits: Mapping[str, RawCommit],
    prefix: str,
    is_ours: Callable[[RawCommit], bool],
) -> dict[str, str]:
    """The head by branch name, of the newest request whose head commit names it.

    A commit that we made wins over newer ones that somebody made of it: a cherry-pick in another
    request names the topic too.
    """
    theirs, ours = dict[str, str](), dict[str, str]()
    for _number, commit in sorted(requests.items()):
        raw = commits[commit]
        topic = branch_of(raw.message)
        if topic.startswith(prefix) and is_our_alphabet(topic):
            (ours if is_ours(raw) else theirs)[topic] = commit
    return theirs | ours


def requested(pushes: Iterable[Push]) -> list[Push]:
    """What AGit can be asked, with its options: a request cannot be closed by a push."""
    return [
        replace(push, options=(f"topic={push.branch}", *push.options))
        for push in pushes
        if push.commit is not None
    ]
