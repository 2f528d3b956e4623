"""Merging on Bitbucket Data Center: by its auto-merge (8.15), or at once where everything is green.

Network. A merge names the version of the pull request that was looked at, which a push makes
another as soon as Bitbucket has noticed it: within a moment after the push. Its auto-merge ends
when the branch moves.
"""

import logging

from imagebot.forges.bitbucket_server_api import BitbucketServerApi, Pull
from imagebot.forges.rest import Nothing, NotThere, Told
from imagebot.forges.transport import Refused
from imagebot.proposals import PullRequest
from imagebot.talk import MergeMethod, MergeOutcome

log = logging.getLogger(__name__)
_STRATEGIES = {
    MergeMethod.MERGE: "no-ff",
    MergeMethod.SQUASH: "squash",
    MergeMethod.REBASE: "rebase-ff-only",
}
_NOT_MERGEABLE = 409  # a veto, a conflict, another version; or a strategy that is switched off
_NOT_WAITING = {404, 409}  # nothing was asked for; merged or declined already


class _Test(Told):
    canMerge: bool
    conflicted: bool = False


class _Builds(Told):
    cancelled: int = 0
    failed: int = 0
    inProgress: int = 0
    successful: int = 0
    unknown: int = 0


class _AutoMerge(Told):
    fromHash: str = ""


class BitbucketServerMerge(BitbucketServerApi):
    def merge(
        self,
        pull_request: PullRequest,
        method: MergeMethod,
        *,
        by_forge: bool,
        needs_checks: bool = False,
        is_fresh: bool = False,
    ) -> MergeOutcome:
        with self._api.asking(f"merge pull request #{pull_request.number}"):
            pull = self._pull(pull_request.number)
            if pull.state == "MERGED":
                return MergeOutcome.MERGED
            is_meant = pull.fromRef.latestCommit == pull_request.head_commit
            if not is_meant or pull.state != "OPEN" or pull.draft:
                return MergeOutcome.WAITING
            if by_forge and self._is_handed_over(pull):
                return MergeOutcome.QUEUED
            # Its auto-merge merges at once what nothing vetoes, before any build has begun.
            is_vetoed = not self._can_be_merged(pull)
            is_ready = not is_fresh and not is_vetoed and self._is_green(pull, needs_checks)
            if not is_ready and not (by_forge and is_vetoed):
                return MergeOutcome.WAITING
        return self._send(pull, method, by_forge)

    def call_back(self, pull_request: PullRequest) -> None:
        number = pull_request.number
        try:
            with self._api.asking(f"stop the merge of pull request #{number}"):
                self._api.ask("DELETE", f"{self._pulls}/{number}/auto-merge", Nothing)
        except Refused as error:
            if error.status not in _NOT_WAITING:
                raise

    def _can_be_merged(self, pull: Pull) -> bool:
        test = self._api.ask("GET", f"{self._pulls}/{pull.id}/merge", _Test)
        return test.canMerge and not test.conflicted

    def _is_green(self, pull: Pull, needs_checks: bool) -> bool:
        """Whether no build is red or running, required or not."""
        commit = pull.fromRef.latestCommit
        path = f"{self._rest}/build-status/1.0/commits/stats/{commit}"
        builds = self._api.ask("GET", path, _Builds)
        if needs_checks and not builds.successful:
            return False
        return not (builds.cancelled or builds.failed or builds.inProgress or builds.unknown)

    def _is_handed_over(self, pull: Pull) -> bool:
        try:
            told = self._api.ask("GET", f"{self._pulls}/{pull.id}/auto-merge", _AutoMerge)
        except NotThere:
            return False
        return told.fromHash == pull.fromRef.latestCommit

    def _send(self, pull: Pull, method: MergeMethod, by_forge: bool) -> MergeOutcome:
        document: dict[str, object] = {"strategyId": _STRATEGIES[method]}
        if by_forge:
            document["autoMerge"] = True
        version = {"version": str(pull.version)}
        path = f"{self._pulls}/{pull.id}/merge"
        try:
            with self._api.asking(f"merge pull request #{pull.id}"):
                told = self._api.ask("POST", path, Pull, query=version, document=document)
        except Refused as error:
            if error.status != _NOT_MERGEABLE:
                raise
            return _waiting(error, method, by_forge)
        if told.state == "MERGED":
            return MergeOutcome.MERGED
        return MergeOutcome.QUEUED if by_forge else MergeOutcome.WAITING


def _waiting(error: Refused, method: MergeMethod, by_forge: bool) -> MergeOutcome:
    """WAITING, or raises where waiting does not help."""
    words = str(error).casefold()
    hint = ""
    if "strateg" in words:
        hint = (
            f"allow {_STRATEGIES[method]} among the merge strategies in the repository's "
            "settings, or choose another method"
        )
    elif by_forge and ("auto-merge" in words or "veto" in words):
        hint = (
            "Bitbucket 8.15 or later is needed, and auto-merge allowed in the repository's "
            "settings; or let imagebot merge by itself: autoMerge: {by: imagebot}"
        )
    if hint:
        raise Refused(str(error), status=error.status, hint=hint) from error
    log.info("%s", error)
    return MergeOutcome.WAITING
