"""The order of a pull request's life, for forges of all kinds.

Pure but for what the callables do: each forge brings its own requests, and these functions say
which comes when. The order is that of `github.py`: an open request before a closed one, a refused
duplicate or a lost answer is looked up again, a comment is not written twice.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import islice, takewhile
from typing import TypeVar

from imagebot.errors import ForgeError, ForgeUnavailable
from imagebot.forges.texts import as_kept
from imagebot.forges.transport import RateLimited, Refused
from imagebot.proposals import ChangeSet, PullRequest, PullRequestState
from imagebot.talk import MAX_COMMENTS_READ, Issue

MAX_OPEN_LISTED = 10_000  # open pull requests looked through before asking for the closed ones
LABEL_COLOUR = "#ededed"
MAX_DECLINED_READ = 300  # closed requests looked through for versions that people declined
MAX_RECENT_READ = 300  # requests looked through for those of the last hour

_T = TypeVar("_T")
log = logging.getLogger(__name__)

Listing = Callable[[frozenset[str]], Iterable[PullRequest]]
"""Pull requests of ours, best first, at least those of the given heads."""


def find(heads: Sequence[str], listings: Sequence[Listing]) -> Mapping[str, PullRequest]:
    """Look through one listing after the other until each head has its pull request."""
    missing, found = set(heads), dict[str, PullRequest]()
    for listing in listings:
        if not missing:
            break
        for pull in listing(frozenset(missing)):
            if pull.head in missing:
                missing.discard(pull.head)
                found[pull.head] = pull
            if not missing:
                break
    return found


def declined(listed: Iterable[PullRequest]) -> Sequence[PullRequest]:
    """Those that were closed unmerged, of a listing that may hold others."""
    return tuple(pull for pull in listed if pull.state is PullRequestState.CLOSED)


def opened_since(listed: Iterable[PullRequest], since: datetime) -> Sequence[PullRequest]:
    """Those of a listing, newest first, that were opened later than that."""
    return tuple(takewhile(lambda pull: pull.created is None or since < pull.created, listed))


def open_or_adopt(
    open_it: Callable[[], PullRequest],
    look: Callable[[], PullRequest | None],
    *,
    duplicate: frozenset[int],
) -> PullRequest:
    """The open pull request, new or as it is already.

    `duplicate` are the statuses by which the forge may mean that one is open already.
    """
    try:
        return open_it()
    except RateLimited:
        raise
    except ForgeUnavailable as error:  # it may have acted before its answer was lost
        return _after_all(look, error)
    except Refused as error:
        if error.status not in duplicate:
            raise
        return _after_all(look, error)


def _after_all(look: Callable[[], PullRequest | None], otherwise: ForgeError) -> PullRequest:
    """The open pull request; raises `otherwise` where there is none or nobody can tell."""
    try:
        found = look()
    except ForgeError as error:
        log.info("%s", error)
        raise otherwise from error
    if found is None or found.state is not PullRequestState.OPEN:
        raise otherwise
    return found


def is_said(comment: str, earlier: Iterable[str]) -> bool:
    """Whether an earlier try got as far as the comment."""
    return any(as_kept(said) == as_kept(comment) for said in earlier)


def newest(listed: Iterable[_T], most: int, counts: Callable[[_T], bool]) -> tuple[int, list[_T]]:
    """Of a listing, newest first, those that count, and how many were looked at for them."""
    looked_at, found = 0, list[_T]()
    for each in islice(listed, most):
        looked_at += 1
        found += [each] if counts(each) else []
        if len(found) == MAX_COMMENTS_READ:
            break
    return looked_at, found


@contextmanager
def text_first(before: str, body: str | None, change: Callable[[str], object]) -> Iterator[None]:
    """For a forge on which one that is closed can be changed no more: close it in the block.

    Where that fails the text is put back: it would say that what is still to be done is done.
    """
    if body is None or body == before:
        yield
        return
    change(body)
    try:
        yield
    except Exception:
        with suppress(Exception):  # the first failure is the one to be told
            change(before)
        raise


def unless_closed(
    state: str, before: PullRequest, put_back: Callable[[Mapping[str, str]], object]
) -> None:
    """After a change of texts that a forge also takes of a closed request: not of what a person
    closed meanwhile, which would then have declined what they never saw. `state` is as told now.
    """
    if state in ("open", "opened", "active") or before.state is not PullRequestState.OPEN:
        return
    put_back({"title": before.draft_mark + before.title, "body": before.body})
    raise ForgeUnavailable(f"#{before.number} was closed while it was updated; its text is back")


def prove(say: Callable[[], None]) -> None:
    """Say that it was closed; it is, whether or not that can be said."""
    try:
        say()
    except ForgeError as error:
        log.warning("it was closed, and that is not said: %s", error)


def open_issue(
    open_it: Callable[[], Issue], look: Callable[[], Iterable[Issue]], *, title: str, body: str
) -> Issue:
    """The new issue; where its answer is lost, the open one of ours that says the same.

    `look` lists ours, `body` is as the forge keeps it.
    """
    try:
        return open_it()
    except RateLimited:
        raise
    except ForgeUnavailable:  # it may have acted before its answer was lost
        for issue in look():
            is_same = (issue.title, as_kept(issue.body)) == (title, as_kept(body))
            if issue.is_open and is_same:
                return issue
        raise


@contextmanager
def warned(lacking: str) -> Iterator[None]:
    """A refusal inside is a warning, what it leads to `lacking`: no reason to stop.

    A forge that does not answer is raised, so that it is asked again.
    """
    try:
        yield
    except ForgeUnavailable:
        raise
    except ForgeError as error:
        log.warning("%s: %s", lacking, error)


def ask_each(reviewers: Iterable[str], ask: Callable[[str], None]) -> None:
    """Ask one after the other; a reviewer that the forge refuses is no reason to stop."""
    for name in reviewers:
        with warned(f"no review by {name}"):
            ask(name)


def warn_of_assignees_and_milestone(changes: ChangeSet, forge: str) -> None:
    """For a forge that has neither on pull requests."""
    for what, wanted in (("assignees", changes.assignees), ("milestone", (changes.milestone,))):
        names = ", ".join(name for name in wanted if name)
        if names:
            log.warning("without the %s %s: %s has none on pull requests", what, names, forge)


def newest_first(pulls: Iterable[PullRequest]) -> list[PullRequest]:
    """Open ones before all others, then by number."""
    is_open = PullRequestState.OPEN
    return sorted(pulls, key=lambda pull: (pull.state is not is_open, -pull.number))
