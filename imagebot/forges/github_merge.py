"""Merging on GitHub: by its auto-merge or merge queue, or at once where everything is green.

Network. Each request names the commit that it means, so that a later head is never merged.
"""

from typing import Any

from imagebot.errors import ForgeError
from imagebot.forges.github_api import GitHubApi, Unwilling
from imagebot.forges.transport import Refused
from imagebot.proposals import PullRequest
from imagebot.talk import OWN_STATUSES, MergeMethod, MergeOutcome

# "Mergeable and passing commit status", with or without hooks (GraphQL, MergeStateStatus).
_GREEN = {"CLEAN", "HAS_HOOKS"}
_HOPELESS = {"DIRTY", "DRAFT", "UNKNOWN", "UNSTABLE"}  # no auto-merge of these
_NOT_MERGEABLE = {405, 409}  # REST, merge a pull request

_MERGING = """
query Merging($owner: String!, $name: String!, $number: Int!, $base: String!) {
  repository(owner: $owner, name: $name) {
    mergeQueue(branch: $base) { id }
    pullRequest(number: $number) {
      id state headRefOid mergeStateStatus
      autoMergeRequest { mergeMethod }
      mergeQueueEntry { id }
    }
  }
}
"""
_CHECKS = """
query Checks($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      statusCheckRollup {
        contexts(first: 20) {
          nodes {
            __typename
            ... on StatusContext { context }
          }
        }
      }
    }
  }
}
"""
_ENABLE = """
mutation EnableAutoMerge($input: EnablePullRequestAutoMergeInput!) {
  enablePullRequestAutoMerge(input: $input) { pullRequest { id } }
}
"""
_ENQUEUE = """
mutation Enqueue($input: EnqueuePullRequestInput!) {
  enqueuePullRequest(input: $input) { mergeQueueEntry { id } }
}
"""
_DISABLE = """
mutation DisableAutoMerge($input: DisablePullRequestAutoMergeInput!) {
  disablePullRequestAutoMerge(input: $input) { pullRequest { id } }
}
"""
_DEQUEUE = """
mutation Dequeue($input: DequeuePullRequestInput!) {
  dequeuePullRequest(input: $input) { mergeQueueEntry { id } }
}
"""


class GitHubMerge(GitHubApi):
    def merge(
        self,
        pull_request: PullRequest,
        method: MergeMethod,
        *,
        by_forge: bool,
        needs_checks: bool = False,
        is_fresh: bool = False,
    ) -> MergeOutcome:
        with self._asking(f"merge pull request #{pull_request.number}"):
            told = self._merging(pull_request)
            if told["pullRequest"]["state"] == "MERGED":
                return MergeOutcome.MERGED
            if told["pullRequest"]["headRefOid"] != pull_request.head_commit:
                return MergeOutcome.WAITING
            if by_forge:
                return self._hand_over(pull_request, method, told, needs_checks, is_fresh)
            if is_fresh or (needs_checks and not self._has_checks(pull_request)):
                return MergeOutcome.WAITING
            return self._merge_green(pull_request, method, told["pullRequest"])

    def call_back(self, pull_request: PullRequest) -> None:
        with self._asking(f"stop the merge of pull request #{pull_request.number}"):
            told = self._merging(pull_request)["pullRequest"]
            if told["state"] != "OPEN":
                return
            if told["autoMergeRequest"]:  # first, or what leaves the queue might enter it again
                self._ask_graphql(_DISABLE, {"input": {"pullRequestId": told["id"]}})
            if told["mergeQueueEntry"]:
                self._ask_graphql(_DEQUEUE, {"input": {"id": told["id"]}})

    def _has_checks(self, pull_request: PullRequest) -> bool:
        """Whether any check or status but imagebot's own is there, of which there are few."""
        told = self._ask_graphql(_CHECKS, self._names(pull_request))
        rollup = told["repository"]["pullRequest"]["statusCheckRollup"]
        shown = rollup["contexts"]["nodes"] if rollup else []
        return any(not each.get("context", "").startswith(OWN_STATUSES) for each in shown)

    def _names(self, pull_request: PullRequest) -> dict[str, Any]:
        name = self._project.partition("/")[2]
        return {"owner": self._owner, "name": name, "number": pull_request.number}

    def _merging(self, pull_request: PullRequest) -> dict[str, Any]:
        variables = self._names(pull_request) | {"base": pull_request.base}
        # An App sees a merge queue only with a permission of its own.
        told = self._ask_graphql(_MERGING, variables, may_lack="mergeQueue")
        repository: dict[str, Any] = told["repository"]
        return repository

    def _hand_over(
        self,
        pull_request: PullRequest,
        method: MergeMethod,
        told: dict[str, Any],
        needs_checks: bool,
        is_fresh: bool,
    ) -> MergeOutcome:
        """GitHub takes no auto-merge of what could be merged now: that is merged or queued.

        It says so, too, of what nothing requires a check of before the first one has begun.
        """
        pull = told["pullRequest"]
        is_green = pull["mergeStateStatus"] in _GREEN
        # Auto-merge that was asked for earlier does not always notice that all is green.
        if pull["mergeQueueEntry"] or (pull["autoMergeRequest"] and not is_green):
            return MergeOutcome.QUEUED
        if pull["mergeStateStatus"] in _HOPELESS:
            return MergeOutcome.WAITING
        if is_green and (is_fresh or (needs_checks and not self._has_checks(pull_request))):
            return MergeOutcome.WAITING
        if is_green and not told["mergeQueue"]:
            return self._merge_green(pull_request, method, pull)
        wanted = {"pullRequestId": pull["id"], "expectedHeadOid": pull_request.head_commit}
        try:
            if is_green:
                self._ask_graphql(_ENQUEUE, {"input": wanted})
            else:
                wanted["mergeMethod"] = method.value.upper()
                self._ask_graphql(_ENABLE, {"input": wanted})
        except Unwilling as error:
            if _may_pass(error.reasons):
                return MergeOutcome.WAITING
            raise _not_handed_over(error) from error
        return MergeOutcome.QUEUED

    def _merge_green(
        self, pull_request: PullRequest, method: MergeMethod, told: dict[str, Any]
    ) -> MergeOutcome:
        if told["mergeStateStatus"] not in _GREEN:
            return MergeOutcome.WAITING
        try:
            with self._asking(f"merge pull request #{pull_request.number}"):
                self._pull(pull_request.number).merge(
                    merge_method=method.value, sha=pull_request.head_commit
                )
        except Refused as error:
            if error.status not in _NOT_MERGEABLE:
                raise
            hint = _hint(str(error), method)
            if hint:
                raise Refused(str(error), status=error.status, hint=hint) from error
            return MergeOutcome.WAITING
        return MergeOutcome.MERGED


def _may_pass(reasons: str) -> bool:
    """Whether a later try can help: the head has moved, or all checks have passed meanwhile.

    A request in unstable status has a check that is red or running without being required.
    """
    words = reasons.casefold()
    return any(each in words for each in ("clean status", "unstable status", "head sha", "draft"))


def _not_handed_over(error: Unwilling) -> ForgeError:
    return Refused(
        str(error),
        status=error.status,
        hint="allow auto-merge in the repository's settings and require a check of the base "
        "branch there, or let imagebot merge by itself",
    )


def _hint(reason: str, method: MergeMethod) -> str:
    """What a person has to do, where waiting does not help."""
    words = reason.casefold()
    if "not allowed" in words:
        return f"allow {method.value} in the repository's settings, or choose another method"
    if "merge queue" in words:
        return "let GitHub merge by its queue, and grant the App merge queues: read"
    return ""
