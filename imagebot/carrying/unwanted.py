"""Branches that no change set asks for: some wait, the others go with their requests.

Talks to the forge. A branch with somebody else's commit stays, and so does what a person holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from imagebot import lifecycle, records
from imagebot.carrying.branches import Branch
from imagebot.carrying.farewell import farewell
from imagebot.carrying.finishing import call_back
from imagebot.carrying.hearing import MAX_REASON, Ear, Heard
from imagebot.carrying.proposing import as_it_is_now, close_skipped, keep_state
from imagebot.carrying.world import World
from imagebot.errors import ForgeError
from imagebot.interfaces import Forge
from imagebot.model import Problem
from imagebot.proposals import ChangeSet, PullRequest, PullRequestState
from imagebot.request_state import CALLED_BACK
from imagebot.texts import prose

_COMMITTED_MEANWHILE = (
    "somebody committed to it while imagebot closed #{number}: reopen that, or delete the branch"
)
_FOREIGN_STAYS = "nothing asks for it any more, but somebody else committed to it"
TOLD_OF_UNWANTED = (
    "Nothing is left to update here: either the base branch has the change, or the policy no "
    "longer asks for it. But somebody else pushed to this branch (`{commit}`), so imagebot "
    "neither closes the request nor deletes the branch. Do so, or merge it, as you like."
)


@dataclass(slots=True)
class Unwanted:
    """Branches that no change set asks for: some wait, the others go with their requests."""

    world: World
    obsolete: list[Branch]
    waiting: list[tuple[Branch, str]]
    heard: Mapping[str, Heard]
    wanted: Sequence[ChangeSet]
    problems: list[Problem] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        world: World,
        wanted: Sequence[ChangeSet],
        keep: Mapping[str, str],
        heard: Mapping[str, Heard],
    ) -> "Unwanted":
        asked_for = {changes.branch for changes in wanted}
        left = [branch for branch in world.branches if branch.head.branch not in asked_for]
        obsolete, waiting = [], []
        for branch in left:
            why = keep.get(branch.head.branch) or _why_kept(world, branch, heard)
            if why:
                waiting.append((branch, why))
            else:
                obsolete.append(branch)
        return cls(world, obsolete, waiting, heard, wanted)

    def closing(self) -> list[PullRequest]:
        """The open requests of what goes."""
        requests = [
            self.world.requests.get(branch.head.branch)
            for branch in self.obsolete
            if branch.ours is not None
        ]
        return [each for each in requests if each and lifecycle.is_open(each)]

    def close(self, ear: Ear | None) -> tuple[list[PullRequest], list[Branch]]:
        """Close the open requests of what goes; gives back those whose branch may go now."""
        closed: list[PullRequest] = []
        closable: list[Branch] = []
        for branch in self.obsolete:
            request = self.world.requests.get(branch.head.branch)
            if branch.ours is None:
                self._answer(ear, branch, _FOREIGN_STAYS, left_behind=branch.head.commit)
                continue
            try:
                if request and lifecycle.is_open(request):
                    request = as_it_is_now(self.world.forge, request)
                    body = records.withdrawn_body(request.body)
                    files = branch.ours.changed
                    why = farewell(branch.proposed, self.wanted, self.world.choices, files)
                    self.world.forge.close(request, why, body=body)
                    closed.append(request)
                closable.append(branch)
            except ForgeError as error:
                self.problems.append(_told(f"{branch.head.branch}: not closed: {error}"))
        for branch, why in self.waiting:
            self._answer(ear, branch, why)
        return closed, closable

    def _answer(self, ear: Ear | None, branch: Branch, why: str, *, left_behind: str = "") -> None:
        request, said = (
            self.world.requests.get(branch.head.branch),
            self.heard.get(branch.head.branch),
        )
        if ear and request and said and self._is_open(branch):
            is_held = bool(lifecycle.left_alone(request, said.state, self.world.now))
            try:
                _settle(
                    self.world.forge,
                    ear,
                    request,
                    said,
                    [why],
                    may_be_merged=branch.ours is not None and not is_held,
                    left_behind=left_behind,
                )
            except ForgeError as error:
                self.problems.append(_told(f"#{request.number}: {error}"))

    def _is_open(self, branch: Branch) -> bool:
        """Whether an open request of imagebot's has it; without a record it may be a person's."""
        request = self.world.requests.get(branch.head.branch)
        is_known = request is not None and records.record_in(request.body) is not None
        return lifecycle.is_open(request) and (is_known or branch.ours is not None)

    def _is_closed(self, branch: Branch) -> bool:
        request = self.world.requests.get(branch.head.branch)
        return request is not None and request.state is PullRequestState.CLOSED

    def _committed_meanwhile(self, branch: Branch) -> str:
        """Of a branch whose request imagebot closed, but could not delete it any more."""
        request = self.world.requests.get(branch.head.branch)
        if request is None or request.state is not PullRequestState.CLOSED:
            return ""
        record = records.record_in(request.body)
        is_asked_for = str(request.number) in self.world.asked.again  # seen as if closed by us
        is_by_us = record is not None and record.withdrawn and not is_asked_for
        return _COMMITTED_MEANWHILE.format(number=request.number) if is_by_us else ""

    def told(self, refused: Mapping[str, str]) -> list[Problem]:
        """Branches that the remote did not let go, and those that wait."""
        names = {branch.head.branch for branch in self.obsolete}
        stays = [_told(f"{name} was not deleted: {why}") for name, why in refused.items()
                 if name in names]  # fmt: skip
        left = [(branch, _FOREIGN_STAYS) for branch in self.obsolete if branch.ours is None]
        stays += [
            _told(f"{branch.head.branch}: {why}", is_warning=True)
            for branch, _ in left
            if (why := self._committed_meanwhile(branch))
        ]
        return stays + [
            _told(f"{branch.head.branch} waits: {why}", is_warning=True)
            for branch, why in (*left, *self.waiting)
            if (not self._is_closed(branch) if branch.ours else self._is_open(branch))
        ]


def _why_kept(world: World, branch: Branch, heard: Mapping[str, Heard]) -> str:
    """What a person said of a request that nothing asks for; a closed one can be reopened."""
    request = world.requests.get(branch.head.branch)
    if request is None:
        return ""
    if request.state is PullRequestState.CLOSED:
        record = records.record_in(request.body)
        return "" if record is None or record.withdrawn else f"a person closed #{request.number}"
    said = heard.get(branch.head.branch, Heard())
    left = lifecycle.left_alone(request, said.state, world.now)
    return said.trouble or left


def _told(message: str, *, is_warning: bool = False) -> Problem:
    return Problem("", 0, 0, message, is_warning=is_warning)


def _settle(
    forge: Forge,
    ear: Ear,
    request: PullRequest,
    heard: Heard,
    why: Sequence[str],
    *,
    may_be_merged: bool,
    left_behind: str = "",
) -> PullRequest:
    """Answer on a request that nothing asks for just now, and keep what was said.

    `left_behind` is somebody else's commit by which it stays open; that is said once.
    """
    if not may_be_merged and heard.state.handed_over not in ("", CALLED_BACK):
        state = call_back(ear.forge, request, heard.state)
        heard = replace(heard, state=state)
    idle = f"nothing asks for this change just now: {'; '.join(why) or 'up to date'}"
    if not ear.answer(request, heard, lambda: f"\n\n{prose(idle, MAX_REASON)}.", idle):
        return request
    if heard.skips:
        return close_skipped(forge, request, heard.state, heard.skips)
    state = heard.state
    if left_behind and state.told_unwanted != left_behind:
        ear.forge.say(request, TOLD_OF_UNWANTED.format(commit=left_behind[:12]))
        state = replace(state, told_unwanted=left_behind)
    return keep_state(forge, request, state)
