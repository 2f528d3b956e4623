"""Merging on Gitea and Forgejo: by their auto-merge, or at once where everything is green.

Network. Each request names the commit that it means, so that a later head is never merged. They
let be merged what is red as long as no protection of the branch asks for it; imagebot does not.
"""

from itertools import islice
from urllib.parse import quote

from imagebot.errors import ForgeError
from imagebot.forges.gitea_api import GiteaApi, Pull
from imagebot.forges.rest import Nothing, NotThere, Told
from imagebot.forges.transport import Refused
from imagebot.proposals import PullRequest
from imagebot.talk import OWN_STATUSES, MergeMethod, MergeOutcome

MAX_STATUS_PAGES = 20  # what has more is not taken for green
_GREEN = {"success", "skipped"}
_NOT_NOW, _MOVED = 405, 409
_IS_SCHEDULED = "already scheduled to auto merge"
# What waiting does not mend, in their words, and what a person has to do.
_HOPELESS = {
    "user not allowed to merge": "let the token's user merge in the protection of the base branch",
    "merge style": "allow the method in the repository's settings, or choose another one",
    "wont sign": "let the instance sign merges, or require no signed commits on the base branch",
}


class _Status(Told):
    context: str = ""
    status: str  # so it is called in statuses; in a request, `state`


class _Combined(Told):
    """The last status of each context. An instance answers nothing at all where there is none."""

    statuses: list[_Status] | None = None


class _Base(Told):
    """By its protection. One that names no check holds back nothing before the first is there."""

    enable_status_check: bool = False
    status_check_contexts: list[str] | None = None


class GiteaMerge(GiteaApi):
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
            if pull.merged:
                return MergeOutcome.MERGED
            if not self._may_go_on(pull, pull_request):
                return MergeOutcome.WAITING
            is_green = self._is_green(pull_request.head_commit, needs_checks)
            if is_green and is_fresh:
                return MergeOutcome.WAITING
            # Their auto-merge merges at once what no protection asks a check of, however red.
            if not is_green and not (by_forge and self._are_checks_required(pull_request.base)):
                return MergeOutcome.WAITING
        outcome = self._merge_green(pull_request, method) if is_green else None
        if outcome is None and by_forge:
            return self._hand_over(pull_request, method)
        return outcome or MergeOutcome.WAITING

    def call_back(self, pull_request: PullRequest) -> None:
        with self._api.asking(f"stop the merge of pull request #{pull_request.number}"):
            try:
                path = f"{self._repository}/pulls/{pull_request.number}/merge"
                self._api.ask("DELETE", path, Nothing)
            except NotThere:  # it is not scheduled, or merged by now
                return

    def _may_go_on(self, pull: Pull, seen: PullRequest) -> bool:
        return pull.state == "open" and pull.mergeable and pull.head.sha == seen.head_commit

    def _is_green(self, commit: str, needs_checks: bool) -> bool:
        """No status that is not, required or not. The forge knows which required one is missing."""
        path = f"{self._repository}/commits/{commit}/status"
        pages = self._whole_pages(path, _Combined, lambda told: len(told.statuses or ()))
        read = list(islice(pages, MAX_STATUS_PAGES))
        shown = [each for told in read for each in told.statuses or ()]
        if needs_checks and all(each.context.startswith(OWN_STATUSES) for each in shown):
            return False
        return {each.status for each in shown} <= _GREEN and len(read) < MAX_STATUS_PAGES

    def _are_checks_required(self, branch: str) -> bool:
        path = f"{self._repository}/branches/{quote(branch)}"
        base = self._api.ask("GET", path, _Base)
        return base.enable_status_check and bool(base.status_check_contexts)

    def _merge_green(self, pull_request: PullRequest, method: MergeMethod) -> MergeOutcome | None:
        """None where something is missing that only the forge knows of."""
        try:
            self._ask_to_merge(pull_request, method, by_forge=False)
        except Refused as error:
            if error.status == _MOVED:
                return MergeOutcome.WAITING
            if error.status != _NOT_NOW:
                raise
            with self._api.asking(f"read pull request #{pull_request.number}"):
                # What somebody else has merged meanwhile is refused in the same way.
                is_merged = self._pull(pull_request.number).merged
            return MergeOutcome.MERGED if is_merged else None
        return MergeOutcome.MERGED

    def _hand_over(self, pull_request: PullRequest, method: MergeMethod) -> MergeOutcome:
        """Let it be merged when the checks of the branch's protection are green."""
        try:
            self._ask_to_merge(pull_request, method, by_forge=True)
        except Refused as error:
            if error.status == _MOVED and _IS_SCHEDULED in str(error):
                return MergeOutcome.QUEUED
            if error.status in (_NOT_NOW, _MOVED):
                return MergeOutcome.WAITING
            raise
        return MergeOutcome.QUEUED

    def _ask_to_merge(
        self, pull_request: PullRequest, method: MergeMethod, *, by_forge: bool
    ) -> None:
        wanted = {"Do": method.value, "head_commit_id": pull_request.head_commit}
        path = f"{self._repository}/pulls/{pull_request.number}/merge"
        sent = wanted | {"merge_when_checks_succeed": True} if by_forge else wanted
        try:
            with self._api.asking(f"merge pull request #{pull_request.number}"):
                self._api.ask("POST", path, Nothing, document=sent)
        except Refused as error:
            hint = _hint(error)
            if hint:
                raise ForgeError(str(error), hint=hint) from error
            raise


def _hint(error: Refused) -> str:
    if error.status != _NOT_NOW:
        return ""
    said = str(error).casefold()
    return next((hint for words, hint in _HOPELESS.items() if words in said), "")
