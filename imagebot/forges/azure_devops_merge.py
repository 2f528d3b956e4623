"""Merging on Azure DevOps: by its auto-complete, or at once where everything is green.

Network. Completing names the commit that it means, so that a later head is never merged; for
auto-complete the head is compared just before. What is required are the branch policies, which
are told as evaluations. The service may complete a little after it has answered.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from imagebot.errors import ForgeError
from imagebot.forges.azure_devops_api import API, PREVIEW, AzureDevOpsApi, Listed, Pull
from imagebot.forges.rest import Conflict, Forbidden, Told
from imagebot.proposals import PullRequest
from imagebot.talk import OWN_STATUSES, MergeMethod, MergeOutcome

_STRATEGIES = {
    MergeMethod.MERGE: "noFastForward",
    MergeMethod.SQUASH: "squash",
    MergeMethod.REBASE: "rebase",
}
# Switches of the policy that limits merge types, whatever its id.
_SWITCHES = {
    MergeMethod.MERGE: "allowNoFastForward",
    MergeMethod.SQUASH: "allowSquash",
    MergeMethod.REBASE: "allowRebase",
}
_CHECKS = {  # the kinds of policy that are checks, also where they are optional
    "0609b952-1397-4640-95ec-e00a01b2c241",  # build
    "cbdc66da-9728-4af8-aada-9a5a32e4a226",  # status
}
_GREEN = {"approved", "notApplicable"}
_GREEN_STATUSES = {"succeeded", "notApplicable", "notSet"}
_OWN_GENRE = OWN_STATUSES.rstrip("/")
_NOBODY = "00000000-0000-0000-0000-000000000000"
_BY_POLICY = "GitPullRequestUpdateRejectedByPolicyException"


class _Kind(Told):
    id: str


class _Policy(Told):
    isEnabled: bool = True
    isBlocking: bool = True
    type: _Kind
    settings: dict[str, Any] | None = None

    @property
    def counts(self) -> bool:
        """What is required, and checks, but for those that run only when a person starts them."""
        is_by_hand = (self.settings or {}).get("manualQueueOnly")
        return self.isBlocking or (self.type.id in _CHECKS and not is_by_hand)


class _Evaluation(Told):
    status: str
    configuration: _Policy


class _Context(Told):
    genre: str | None = None
    name: str


class _Status(Told):
    id: int
    state: str
    context: _Context


class AzureDevOpsMerge(AzureDevOpsApi):
    def merge(
        self,
        pull_request: PullRequest,
        method: MergeMethod,
        *,
        by_forge: bool,
        needs_checks: bool = False,
        is_fresh: bool = False,
    ) -> MergeOutcome:
        with self._api.asking(f"merge pull request !{pull_request.number}"):
            pull = self._read(pull_request.number)
            if pull.status == "completed":
                return MergeOutcome.MERGED
            is_as_known = pull.head_commit == pull_request.head_commit
            if pull.status != "active" or pull.isDraft or not is_as_known:
                return MergeOutcome.WAITING
            evaluations = [each for each in self._evaluations(pull) if each.configuration.isEnabled]
            _refuse_method(evaluations, method, pull_request.base)
            is_mergeable = pull.mergeStatus == "succeeded"
            # Auto-complete waits for what is optional too, but completes at once where no policy
            # is left to wait for, before any status is there.
            if by_forge and not _are_green(evaluations):
                return self._hand_over(pull, method)
            if is_fresh or not is_mergeable:
                return MergeOutcome.WAITING
            if not self._are_checks_green(pull, evaluations, needs_checks):
                return MergeOutcome.WAITING
            return self._complete(pull, method)

    def call_back(self, pull_request: PullRequest) -> None:
        with self._api.asking(f"stop the merge of pull request !{pull_request.number}"):
            pull = self._read(pull_request.number)
            if pull.status == "active" and pull.autoCompleteSetBy is not None:
                self._update(pull.pullRequestId, {"autoCompleteSetBy": {"id": _NOBODY}})

    def _evaluations(self, pull: Pull) -> Iterator[_Evaluation]:
        about = f"{pull.repository.project.id}/{pull.pullRequestId}"
        query = {"artifactId": f"vstfs:///CodeReview/CodeReviewId/{about}"}
        path = f"{self._team_project}/_apis/policy/evaluations"
        return self._pages(path, Listed[_Evaluation], query, PREVIEW)

    def _are_checks_green(
        self, pull: Pull, evaluations: list[_Evaluation], needs_checks: bool
    ) -> bool:
        """Those too that nothing requires: optional builds, statuses of commit and pull request."""
        if not _are_green(each for each in evaluations if each.configuration.counts):
            return False
        is_checked = any(each.configuration.type.id in _CHECKS for each in evaluations)
        alone, latest = f"{self._pulls}/{pull.pullRequestId}", {"latestOnly": "true", "top": 100}
        for path, query in (
            (f"{self._place}/commits/{pull.head_commit}/statuses", latest),
            (f"{alone}/statuses", {}),
        ):
            shown = self._api.ask("GET", path, Listed[_Status], query={**API, **query}).value
            last = {each.context: each.state for each in sorted(shown, key=lambda each: each.id)}
            if not _GREEN_STATUSES.issuperset(last.values()):
                return False
            is_checked |= any(each.genre != _OWN_GENRE for each in last)
        return is_checked or not needs_checks

    def _complete(self, pull: Pull, method: MergeMethod) -> MergeOutcome:
        wanted = {
            "status": "completed",
            "lastMergeSourceCommit": {"commitId": pull.head_commit},
            "completionOptions": _options(method),
        }
        try:
            told = self._update(pull.pullRequestId, wanted)
        except Conflict:  # the head has moved
            return MergeOutcome.WAITING
        except Forbidden as error:
            if _BY_POLICY not in error.whole:
                raise
            return MergeOutcome.WAITING
        if told.status != "completed":  # on its way
            told = self._read(pull.pullRequestId)
        return MergeOutcome.MERGED if told.status == "completed" else MergeOutcome.WAITING

    def _hand_over(self, pull: Pull, method: MergeMethod) -> MergeOutcome:
        if pull.mergeStatus in ("conflicts", "failure"):
            return MergeOutcome.WAITING
        if pull.autoCompleteSetBy is None:
            wanted = {
                "autoCompleteSetBy": {"id": self._own_id()},
                "completionOptions": _options(method),
            }
            self._update(pull.pullRequestId, wanted)
        return MergeOutcome.QUEUED

    def _update(self, number: int, wanted: dict[str, Any]) -> Pull:
        return self._api.ask("PATCH", f"{self._pulls}/{number}", Pull, query=API, document=wanted)


def _options(method: MergeMethod) -> dict[str, Any]:
    """imagebot deletes its branches itself."""
    return {"mergeStrategy": _STRATEGIES[method], "deleteSourceBranch": False}


def _are_green(evaluations: Iterable[_Evaluation]) -> bool:
    return all(each.status in _GREEN for each in evaluations)


def _refuse_method(evaluations: list[_Evaluation], method: MergeMethod, base: str) -> None:
    """Waiting does not help where the policy that limits merge types lacks this one."""
    for each in evaluations:
        switches = each.configuration.settings or {}
        limits = each.configuration.isBlocking and any(
            name in switches for name in _SWITCHES.values()
        )
        if limits and not switches.get(_SWITCHES[method]):
            raise ForgeError(
                f"the branch policy of {base} does not allow {method.value}",
                hint=f"allow {method.value} in it, or choose another method",
            )
