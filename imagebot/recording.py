"""What a reconciliation leaves to the history: `Outcome` -> decisions, and pull requests as seen.

Pure. Texts come from files, registries and forges: each is cut to one short line. An outcome that
broke off before anything was decided leaves no decisions, so those from before stand.
"""

from collections.abc import Mapping
from datetime import datetime

from imagebot.history_model import Decision, SeenRequest
from imagebot.image import Repository
from imagebot.model import Choice, Update
from imagebot.proposals import ChangeSet, Outcome, Proposal, PullRequest, PullRequestState
from imagebot.status import HELD, state, why
from imagebot.texts import one_line

MAX_PLACES = 20_000  # of one git repository
MAX_TEXT = 300
MAX_VERSIONS = 100  # of one pull request
STALLED = "stalled"
_STATE_BY_ACTION = {"skipped": STALLED, "failed": STALLED, "waiting": HELD}
TagKey = tuple[Repository, str]


def decisions_of(outcome: Outcome) -> tuple[Decision, ...] | None:
    """One for each image reference; None where the run did not get as far."""
    if not outcome.choices and outcome.kind in ("failed", "stalled"):
        return None
    proposals = {
        _at(update): proposal
        for proposal in outcome.proposals
        for update in proposal.changes.updates
    }
    counts: dict[str, int] = {}
    found = []
    for choice in outcome.choices[:MAX_PLACES]:
        occurrence = choice.occurrence
        place = f"{occurrence.file}:{occurrence.address}"
        counts[place] = counts.get(place, 0) + 1
        if counts[place] > 1:  # the same address in another document of the file
            place = f"{place}#{counts[place]}"
        proposal = proposals.get(_at(choice.update)) if choice.update else None
        found.append(_decision(choice, place, proposal))
    return tuple(found)


def _at(update: Update) -> tuple[str, int, int]:
    occurrence = update.occurrence
    return occurrence.file, occurrence.line, occurrence.column


def _decision(choice: Choice, place: str, proposal: Proposal | None) -> Decision:
    occurrence, update = choice.occurrence, choice.update
    shown, reason = state(choice), why(choice)
    if update and proposal and proposal.action in _STATE_BY_ACTION:
        shown, reason = _STATE_BY_ACTION[proposal.action], proposal.reason or reason
    held = choice.held
    return Decision(
        place=place[:1000],
        file=one_line(occurrence.file, MAX_TEXT),
        line=occurrence.line,
        image=one_line(str(choice.reference.repository) if choice.reference else "", MAX_TEXT),
        current=one_line(_version(occurrence.tag, occurrence.digest), MAX_TEXT),
        chosen=one_line(_version(update.tag, update.digest), MAX_TEXT) if update else "",
        state=shown,
        reason=one_line(reason, MAX_TEXT),
        policy=one_line(choice.policy.identity, MAX_TEXT) if choice.policy else "",
        until=held[0].until if shown == HELD and held else None,
    )


def _version(tag: str | None, digest: object | None) -> str:
    return (tag or "") + (f"@{digest}" if digest else "")


def requests_of(
    outcome: Outcome, first_seen: Mapping[TagKey, datetime], at: datetime
) -> tuple[SeenRequest, ...]:
    """Each request once, as it was at the end of the run. `first_seen`: of tags in proposals."""
    found = {request.number: _seen(request, None, first_seen, at) for request in outcome.requests}
    for proposal in outcome.proposals:
        request = proposal.pull_request
        if request:
            is_news = proposal.action in ("created", "merged")
            seen = _seen(request, proposal.changes, first_seen, at, is_news=is_news)
            found[request.number] = seen
    for request in outcome.closed:
        found[request.number] = _seen(request, None, first_seen, at, is_news=True, closed=True)
    return tuple(found.values())


def _seen(
    request: PullRequest,
    changes: ChangeSet | None,
    first_seen: Mapping[TagKey, datetime],
    at: datetime,
    *,
    is_news: bool = False,
    closed: bool = False,
) -> SeenRequest:
    state_now = PullRequestState.CLOSED if closed else request.state
    updates = changes.updates[:MAX_VERSIONS] if changes and state_now != "closed" else ()
    known = [first_seen.get((update.repository, update.tag)) for update in updates]
    dated = [moment for moment in known if moment]
    is_open = state_now is PullRequestState.OPEN
    return SeenRequest(
        number=request.number,
        url=one_line(request.url, 500),
        title=one_line(request.title, MAX_TEXT),
        group=one_line(changes.group, MAX_TEXT) if changes else "",
        branch=request.head,
        state=state_now.value,
        opened_at=request.created or at,
        ended_at=at if is_news and not is_open else None,
        versions=tuple(
            dict.fromkeys(one_line(f"{update.repository}:{update.tag}") for update in updates)
        ),
        first_seen_at=max(dated) if len(dated) == len(known) and dated else None,
    )


def tags_proposed(outcome: Outcome) -> tuple[TagKey, ...]:
    """Tags of all requests of this run."""
    return tuple(
        dict.fromkeys(
            (update.repository, update.tag)
            for proposal in outcome.proposals
            if proposal.pull_request
            for update in proposal.changes.updates[:MAX_VERSIONS]
        )
    )
