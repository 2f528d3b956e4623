"""Merging on Bitbucket Cloud, at once where everything is green. It merges nothing by itself later.

Network. Bitbucket's merge names no commit. So the branch is asked for its head right before, and
what somebody pushes between these two requests, some tenths of a second, is merged too.
"""

import logging
from itertools import islice
from urllib.parse import quote

from imagebot.forges.bitbucket_api import BitbucketApi, CommitTold, Page, Pull
from imagebot.forges.rest import NotThere, Told
from imagebot.forges.transport import Refused
from imagebot.proposals import PullRequest
from imagebot.talk import OWN_STATUSES, MergeMethod, MergeOutcome

MAX_STATUSES_READ = 500  # with more nobody can tell whether all are green
LEAST_DIGITS = 12  # of a commit, as pull requests tell it
log = logging.getLogger(__name__)
_STRATEGIES = {
    MergeMethod.MERGE: "merge_commit",
    MergeMethod.SQUASH: "squash",
    MergeMethod.REBASE: "rebase_fast_forward",
}
_NOT_MERGEABLE = {400, 409}  # a merge check, a conflict; or a strategy that is switched off


class _Status(Told):
    name: str | None = None
    state: str


class _Branch(Told):
    target: CommitTold


class BitbucketMerge(BitbucketApi):
    def merge(
        self,
        pull_request: PullRequest,
        method: MergeMethod,
        *,
        by_forge: bool,
        needs_checks: bool = False,
        is_fresh: bool = False,
    ) -> MergeOutcome:
        """As `Conversation.merge`, but for what is pushed in the moment of the merge itself."""
        number, wanted = pull_request.number, pull_request.head_commit
        with self._api.asking(f"merge pull request #{number}"):
            pull = self._pull(number)
            if pull.state == "MERGED":
                return MergeOutcome.MERGED
            head = pull.source.commit
            if head is None or len(wanted) < LEAST_DIGITS or not _agree(wanted, head.hash):
                return MergeOutcome.WAITING
            if by_forge:
                raise self._no_auto_merge()
            if is_fresh or pull.state != "OPEN" or pull.draft:
                return MergeOutcome.WAITING
            if not self._is_green(wanted, needs_checks):
                return MergeOutcome.WAITING
            if not self._head_of(pull.source.branch.name).startswith(wanted):
                return MergeOutcome.WAITING
        return self._merge_now(number, method)

    def call_back(self, pull_request: PullRequest) -> None:
        """Nothing to do: nothing was handed over."""

    def _is_green(self, commit: str, needs_checks: bool) -> bool:
        """Whether no build is red or running, required or not."""
        path = f"{self._repository}/commit/{commit}/statuses"
        listed = islice(self._pages(path, Page[_Status]), MAX_STATUSES_READ + 1)
        shown = list(listed)
        if needs_checks and all((each.name or "").startswith(OWN_STATUSES) for each in shown):
            return False
        states = {each.state for each in shown}
        return len(shown) <= MAX_STATUSES_READ and states <= {"SUCCESSFUL"}

    def _head_of(self, branch: str) -> str:
        try:
            path = f"{self._repository}/refs/branches/{quote(branch, safe='')}"
            return self._api.ask("GET", path, _Branch).target.hash
        except NotThere:
            return ""

    def _merge_now(self, number: int, method: MergeMethod) -> MergeOutcome:
        document = {"merge_strategy": _STRATEGIES[method]}
        try:
            with self._api.asking(f"merge pull request #{number}"):
                self._api.ask("POST", f"{self._pulls}/{number}/merge", Pull, document=document)
        except Refused as error:
            if error.status not in _NOT_MERGEABLE:
                raise
            if "strateg" in str(error).casefold():
                hint = (
                    f"allow {_STRATEGIES[method]} in the repository's settings for "
                    "merge strategies, or choose another method"
                )
                raise Refused(str(error), status=error.status, hint=hint) from error
            log.info("%s", error)
            return MergeOutcome.WAITING
        return MergeOutcome.MERGED

    def _no_auto_merge(self) -> Refused:
        return Refused(
            f"cannot hand a merge of {self._project} to Bitbucket Cloud: it has no auto-merge",
            status=400,
            hint="let imagebot merge by itself: autoMerge: {by: imagebot}",
        )


def _agree(one: str, other: str) -> bool:
    """Whether one commit id is the beginning of the other."""
    return one.startswith(other) or other.startswith(one)
