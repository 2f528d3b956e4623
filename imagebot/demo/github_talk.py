"""What the demo's forge answers about pull requests besides their texts: comments, merges, ..."""

from collections.abc import Callable
from typing import Any

from imagebot.demo import github_answers as answers
from imagebot.demo import github_talk_answers as talk
from imagebot.demo.github_graphql import GraphQL
from imagebot.demo.github_hosting import Refusal, invalid
from imagebot.demo.github_kept import Comment, HostedIssue, HostedRepository, Status
from imagebot.demo.json_server import Answer, Request

_PERMISSION = "write"  # of whoever has a token that this server lets in


class Talk(GraphQL):
    def _talk_routes(
        self, project: str, number: str
    ) -> list[tuple[str, str, Callable[..., Answer]]]:
        issues = f"{project}/issues"
        return [
            ("POST", "/graphql", self._graphql),
            ("GET", f"{issues}/{number}/comments", self._list_comments),
            ("POST", f"{issues}/{number}/comments", self._say),
            ("POST", f"{issues}/comments/{number}/reactions", self._react),
            ("POST", f"{project}/labels", self._make_label),
            ("POST", f"{issues}/{number}/labels", self._add_labels),
            ("DELETE", f"{issues}/{number}/labels/([^/]+)", self._remove_label),
            ("POST", f"{issues}/{number}/assignees", self._assign),
            ("GET", f"{project}/milestones", self._list_milestones),
            ("GET", f"{project}/collaborators/([^/]+)/permission", self._permission),
            ("POST", f"{project}/statuses/([0-9a-f]+)", self._set_status),
            ("PUT", f"{project}/pulls/{number}/merge", self._merge_now),
            ("GET", issues, self._list_issues),
            ("POST", issues, self._open_issue),
            ("PATCH", f"{issues}/{number}", self._change_issue),
        ]

    def say_as(self, full_name: str, number: int, login: str, text: str) -> None:
        """As if a person had written a comment."""
        pull = self._pull(self.repository(full_name), str(number))
        self._comment_count += 1
        pull.updated_at = self._now()
        pull.comments.append(Comment(self._comment_count, login, text, pull.updated_at))

    def _list_comments(self, request: Request, login: str, name: str, number: str) -> Answer:
        hosted = self._hosted(name)
        pull = self._pull(hosted, number)
        return self._paged(
            request,
            pull.comments,
            lambda said: talk.comment(self.root, hosted, pull.number, said),
        )

    def _say(self, request: Request, login: str, name: str, number: str) -> Answer:
        hosted = self._hosted(name)
        self.say_as(hosted.full_name, int(number), login, str(request.document["body"]))
        said = self._pull(hosted, number).comments[-1]
        return Answer(201, talk.comment(self.root, hosted, int(number), said))

    def _react(self, request: Request, login: str, name: str, number: str) -> Answer:
        """Reacting twice in the same way is no second reaction (200 instead of 201)."""
        made = (login, str(request.document["content"]))
        for pull in self._hosted(name).pulls:
            for said in pull.comments:
                if said.number == int(number):
                    is_new = made not in said.reactions
                    said.reactions += [made] if is_new else []
                    document = talk.reaction(self.root, said, *made)
                    return Answer(201 if is_new else 200, document)
        raise Refusal(404, "Not Found")

    def _make_label(self, request: Request, login: str, name: str) -> Answer:
        hosted, label = self._hosted(name), request.document["name"]
        if label.lower() in {other.lower() for other in hosted.labels}:
            raise invalid("name", "already_exists")
        hosted.labels.append(label)
        return Answer(201, answers.label(self.root, hosted, label))

    def _add_labels(self, request: Request, login: str, name: str, number: str) -> Answer:
        """Labels that the repository does not know are made, as GitHub does."""
        hosted = self._hosted(name)
        pull = self._pull(hosted, number)
        wanted = request.document
        for label in wanted["labels"] if isinstance(wanted, dict) else wanted:
            for known in (hosted.labels, pull.labels):
                if label.lower() not in {other.lower() for other in known}:
                    known.append(label)
        pull.updated_at = self._now()
        return Answer(200, [answers.label(self.root, hosted, label) for label in pull.labels])

    def _remove_label(
        self, request: Request, login: str, name: str, number: str, label: str
    ) -> Answer:
        hosted = self._hosted(name)
        pull = self._pull(hosted, number)
        left = [each for each in pull.labels if each.lower() != label.lower()]
        if left == pull.labels:
            raise Refusal(404, "Label does not exist")
        pull.labels, pull.updated_at = left, self._now()
        return Answer(200, [answers.label(self.root, hosted, each) for each in left])

    def _assign(self, request: Request, login: str, name: str, number: str) -> Answer:
        """Whoever cannot be assigned is left out in silence, as GitHub does."""
        hosted = self._hosted(name)
        pull = self._pull(hosted, number)
        for wanted in request.document["assignees"]:
            if wanted in hosted.collaborators and wanted not in pull.assignees:
                pull.assignees.append(wanted)
        pull.updated_at = self._now()
        return Answer(201, talk.pull_as_issue(self.root, hosted, pull))

    def _list_milestones(self, request: Request, login: str, name: str) -> Answer:
        hosted = self._hosted(name)
        return self._paged(
            request, hosted.milestones, lambda title: talk.milestone(self.root, hosted, title)
        )

    def _permission(self, request: Request, login: str, name: str, who: str) -> Answer:
        hosted = self._hosted(name)
        known = dict.fromkeys(self.logins_by_token.values(), _PERMISSION) | hosted.permissions
        if who not in known:
            raise Refusal(404, f"{who} is not a user")
        return Answer(200, talk.permission(self.root, who, known[who]))

    def _set_status(self, request: Request, login: str, name: str, commit: str) -> Answer:
        hosted, wanted = self._hosted(name), request.document
        if commit not in {pull.head_commit for pull in hosted.pulls}:
            raise Refusal(422, f"No commit found for SHA: {commit}")
        if len(wanted.get("description") or "") > 140:
            raise invalid("description", "custom", "description is too long")
        status = Status(wanted["state"], wanted.get("description"), wanted.get("target_url"))
        context = wanted.get("context", "default")
        hosted.statuses.setdefault(commit, {})[context] = status
        document = talk.status(self.root, hosted, commit, context, login, status)
        return Answer(201, document)

    def _merge_now(self, request: Request, login: str, name: str, number: str) -> Answer:
        hosted, wanted = self._hosted(name), request.document or {}
        pull = self._pull(hosted, number)
        method = wanted.get("merge_method", "merge")
        if wanted.get("sha", pull.head_commit) != pull.head_commit:
            raise Refusal(409, "Head branch was modified. Review and try the merge again.")
        if method not in hosted.methods:
            raise Refusal(405, f"{method.title()} merges are not allowed on this repository.")
        if pull.state != "open" or pull.is_draft or hosted.has_merge_queue:
            raise Refusal(405, "Pull Request is not mergeable")
        if self._mergeable_state(hosted, pull) not in ("clean", "unstable"):
            raise Refusal(405, "Required status check is expected.")
        commit = self._merge(hosted, pull, method)
        said = "Pull Request successfully merged"
        return Answer(200, {"sha": commit, "merged": True, "message": said})

    def _list_issues(self, request: Request, login: str, name: str) -> Answer:
        """Pull requests are issues too, and stand between them."""
        hosted, query = self._hosted(name), request.query
        issues = list[Any](hosted.issues if hosted.has_issues else ())
        found = [
            each
            for each in sorted([*issues, *hosted.pulls], key=lambda each: -each.number)
            if query.get("state", "open") in ("all", each.state)
            and query.get("creator", each.author) == each.author
        ]
        return self._paged(request, found, lambda each: self._as_issue(hosted, each))

    def _as_issue(self, hosted: HostedRepository, each: Any) -> answers.Document:
        is_issue = isinstance(each, HostedIssue)
        return (talk.issue if is_issue else talk.pull_as_issue)(self.root, hosted, each)

    def _open_issue(self, request: Request, login: str, name: str) -> Answer:
        hosted, wanted = self._hosted(name), request.document
        if not hosted.has_issues:
            raise Refusal(410, "Issues has been disabled in this repository.")
        made = HostedIssue(
            number=hosted.next_number(),
            title=wanted["title"],
            body=wanted.get("body") or "",
            author=login,
            created_at=self._now(),
            labels=list(wanted.get("labels", ())),
        )
        hosted.issues.append(made)
        return Answer(201, talk.issue(self.root, hosted, made))

    def _change_issue(self, request: Request, login: str, name: str, number: str) -> Answer:
        hosted, wanted = self._hosted(name), request.document
        if "milestone" in wanted:  # only pull requests get one from imagebot
            pull = self._pull(hosted, number)
            pull.milestone, pull.updated_at = (
                hosted.milestones[wanted["milestone"] - 1],
                self._now(),
            )
            return Answer(200, talk.pull_as_issue(self.root, hosted, pull))
        for issue in hosted.issues:
            if issue.number == int(number):
                issue.title = wanted.get("title", issue.title)
                issue.body = wanted.get("body", issue.body)
                issue.state = wanted.get("state", issue.state)
                issue.updated_at = self._now()
                return Answer(200, talk.issue(self.root, hosted, issue))
        raise Refusal(404, "Not Found")
