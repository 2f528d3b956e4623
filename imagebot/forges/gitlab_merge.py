"""Merging on GitLab: by its auto-merge, or at once where everything is green.

Network. Each request names the commit that it means, so that a later head is never merged. How a
merge is made is set for the whole project; a request can only ask for a squash besides.
"""

from typing import Any

from gitlab.exceptions import GitlabError

from imagebot.forges.gitlab_api import GitLabApi
from imagebot.forges.transport import Refused
from imagebot.proposals import PullRequest
from imagebot.talk import MergeMethod, MergeOutcome

# Nothing that waiting for a pipeline or an approval would end.
_HOPELESS = {"draft_status", "conflict", "need_rebase", "not_open", "merge_request_blocked"}
_GREEN_PIPELINES = {"success", "skipped"}
_OVER = _GREEN_PIPELINES | {"failed", "canceled"}
_WAITS_FOR_CHECKS = {"ci_must_pass", "ci_still_running"}
_NOT_MERGEABLE = {405, 406, 409, 422}
_NOT_WAITING = {405, 406}  # merged or closed already; not set to merge by itself


class GitLabMerge(GitLabApi):
    def merge(
        self,
        pull_request: PullRequest,
        method: MergeMethod,
        *,
        by_forge: bool,
        needs_checks: bool = False,
        is_fresh: bool = False,
    ) -> MergeOutcome:
        try:
            with self._asking(f"merge merge request !{pull_request.number}"):
                return self._merged(pull_request, method, by_forge, needs_checks, is_fresh)
        except Refused as error:
            if error.status in _NOT_MERGEABLE:
                return MergeOutcome.WAITING
            raise

    def call_back(self, pull_request: PullRequest) -> None:
        address = f"{self._project().mergerequests.path}/{pull_request.number}"
        try:
            with self._asking(f"stop the merge of merge request !{pull_request.number}"):
                self._api.http_post(f"{address}/cancel_merge_when_pipeline_succeeds")
        except Refused as error:
            if error.status not in _NOT_WAITING:
                raise

    def _merged(
        self,
        pull_request: PullRequest,
        method: MergeMethod,
        by_forge: bool,
        needs_checks: bool,
        is_fresh: bool,
    ) -> MergeOutcome:
        request = self._project().mergerequests.get(pull_request.number)
        if request.state == "merged":
            return MergeOutcome.MERGED
        if request.sha != pull_request.head_commit:
            return MergeOutcome.WAITING
        if by_forge and request.merge_when_pipeline_succeeds:
            return MergeOutcome.QUEUED
        status, pipeline = request.detailed_merge_status, request.head_pipeline
        if status in _HOPELESS:
            return MergeOutcome.WAITING
        # A project may let be merged what is red, or what no pipeline ran on; imagebot does not.
        is_green = pipeline["status"] in _GREEN_PIPELINES if pipeline else not needs_checks
        is_running = bool(pipeline) and pipeline["status"] not in _OVER
        if by_forge and (is_running or status in _WAITS_FOR_CHECKS):
            is_ready = True  # GitLab merges nothing before the pipeline has passed
        else:
            is_ready = is_green and not is_fresh and (by_forge or status == "mergeable")
        if not is_ready:
            return MergeOutcome.WAITING
        told = self._send(pull_request, method, by_forge)
        if told["state"] == "merged":
            return MergeOutcome.MERGED
        return MergeOutcome.QUEUED if by_forge else MergeOutcome.WAITING

    def _send(
        self, pull_request: PullRequest, method: MergeMethod, by_forge: bool
    ) -> dict[str, Any]:
        wanted: dict[str, Any] = {
            "sha": pull_request.head_commit,
            "squash": method is MergeMethod.SQUASH,
        }
        if by_forge:  # by its name since GitLab 17.11, and by that of before
            wanted |= {"auto_merge": True, "merge_when_pipeline_succeeds": True}
        address = f"{self._project().mergerequests.path}/{pull_request.number}/merge"
        try:
            told: dict[str, Any] = self._api.http_put(address, post_data=wanted)  # type: ignore[assignment]
        except GitlabError as error:
            if error.response_code == 401:  # so GitLab says that this user may not merge here
                raise Refused(
                    f"GitLab does not let the token's user merge into {pull_request.base}",
                    status=401,
                    hint="let it in the project's protected branches, or do not merge by imagebot",
                ) from error
            raise
        return told
