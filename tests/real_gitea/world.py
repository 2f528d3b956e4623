"""A world whose forge is a real Gitea: what people do there and see, and runs of imagebot."""

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from imagebot.demo.json_server import Answer, Request
from imagebot.forges.transport import ForgeSession
from tests.acceptance.world import World
from tests.servers import contracts
from tests.servers.gitea_real import ADMIN, RealGitea

FILE = "apps/api/deployment.yaml"
_INTERRUPTED = 130
_PROMPT_SECONDS = 30

Pull = dict[str, Any]  # as the API tells it


@dataclass
class Exchanges:
    """What was asked of the forge by this process, and what of it the description forbids."""

    asked: list[str] = field(default_factory=list)  # of the last run: method, path and query
    broken: list[str] = field(default_factory=list)

    @property
    def writes(self) -> list[str]:
        return [each for each in self.asked if not each.startswith("GET ")]

    def add(self, request: requests.PreparedRequest, response: requests.Response) -> None:
        address = urlsplit(request.url or "")
        self.asked.append(f"{request.method} {address.path}?{address.query}")
        pairs = parse_qsl(address.query, keep_blank_values=True)
        document = json.loads(request.body) if request.body else None
        told = json.loads(response.content) if response.content.strip() else None
        try:
            contracts.gitea().check(
                Request(request.method or "", address.path, dict(pairs), {}, document, pairs),
                Answer(response.status_code, told),
            )
        except contracts.BrokenContract as error:
            self.broken.append(f"against the description: {error}")


@contextmanager
def watched_exchanges() -> Iterator[Exchanges]:
    """Check all that this process says to a forge."""
    exchanges, send = Exchanges(), ForgeSession.send

    def watched(
        session: ForgeSession, request: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        response = send(session, request, **options)
        exchanges.add(request, response)
        return response

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ForgeSession, "send", watched)
        yield exchanges


@dataclass
class RealWorld(World):
    """A repository of its own on the shared Gitea: `api` is at 1.0.0, and there is a 1.1.0."""

    forge: RealGitea
    exchanges: Exchanges = field(default_factory=Exchanges)

    def set_up(self) -> None:
        self.registry.add("acme/api", "1.0.0", "1.1.0")
        self.project = self.forge.add_repository(self.folder.name)
        self.git(self.folder, "init", "-q", "-b", "main", str(self.checkout))
        origin = self.forge.address(self.project, ADMIN)
        self.git(self.checkout, "remote", "add", "origin", origin)
        (self.folder / "token").write_text(self.forge.tokens["imagebot"])
        self.write_policy("api")
        self.write_deployment("api", "1.0.0")
        self.commit("Start", push=True)
        # Gitea sees in the background that there is something, and tells of no requests before.
        wait_until(lambda: not self.ask("GET", "")["empty"], "a repository with a commit")
        self.write_settings()

    def write_settings(self, *, forge: str = "", git: str = "") -> None:
        forge = forge or (
            f"{{type: gitea, project: {self.project}, apiUrl: '{self.forge.url}', "
            f"tokenFile: {self.folder}/token}}"
        )
        self.settings.write_text(
            f"apiVersion: imagebot.dev/v1alpha1\nkind: Settings\ndataDir: {self.data}\n"
            f"repositories:\n  - name: config\n    url: {self.forge.address(self.project)}\n"
            f"    base: main\n    forge: {forge}\n    git: {{allowHttp: true{git}}}\n"
            f"registries:\n  - {{host: '{self.registry.host}', insecure: true, internal: true}}\n"
        )

    def rules(self, request: str = "", repository: str = "") -> None:
        """A policy's `pullRequest` and the git repository's own rules, on the base branch."""
        if request:
            self.write_policy("api", more=f"  pullRequest: {request}\n")
        if repository:
            (self.checkout / "imagebot.yaml").write_text(
                "apiVersion: imagebot.dev/v1alpha1\nkind: RepositoryPolicy\nmetadata: {name: r}\n"
                f"spec: {repository}\n"
            )
        self.commit("Rules", push=True)

    def apply(self, *words: str) -> str:
        """One run that ends well; gives back what it printed and logged."""
        said = io.StringIO()
        self.exchanges.asked.clear()
        with redirect_stdout(said), redirect_stderr(said):
            code = super().apply(*words)
        if code == _INTERRUPTED:  # it was Ctrl-C for the whole story
            raise KeyboardInterrupt
        assert code == 0, f"imagebot ended with {code}: {said.getvalue()[-600:]}"
        return said.getvalue()

    def ask(self, method: str, path: str, document: object = None, *, who: str = ADMIN) -> Any:
        return self.forge.call(method, f"/repos/{self.project}{path}", document, who=who)

    def pulls(self) -> list[Pull]:
        """The oldest 50 requests, open or not."""
        found: list[Pull] = self.ask("GET", "/pulls?state=all&sort=oldest&limit=50")
        return found

    def pull(self) -> Pull:
        """The one request that there is."""
        (found,) = self.pulls()
        return found

    def states(self) -> list[tuple[str, str]]:
        return [(each["state"], each["title"].partition(" to ")[2]) for each in self.pulls()]

    def say(self, text: str, who: str = "alice") -> None:
        self.ask("POST", f"/issues/{self.pulls()[0]['number']}/comments", {"body": text}, who=who)

    def comments(self, who: str) -> list[Pull]:
        """What somebody said on the first request."""
        found = self.ask("GET", f"/issues/{self.pulls()[0]['number']}/comments")
        return [each for each in found if each["user"]["login"] == who]

    def reactions(self, comment: Pull) -> list[tuple[str, str]]:
        found = self.ask("GET", f"/issues/comments/{comment['id']}/reactions") or []
        return [(each["user"]["login"], each["content"]) for each in found]

    def turn(self, state: str, number: int = 1) -> None:
        """Alice closes or opens a request."""
        self.ask("PATCH", f"/pulls/{number}", {"state": state}, who="alice")

    def label(self, name: str) -> int:
        """Alice puts a label on the first request; gives back the label's number."""
        known = {each["name"]: each["id"] for each in self.ask("GET", "/labels?limit=50")}
        if name not in known:
            wanted = {"name": name, "color": "#cccccc"}
            known[name] = self.ask("POST", "/labels", wanted, who="alice")["id"]
        self.ask("POST", "/issues/1/labels", {"labels": [known[name]]}, who="alice")
        return int(known[name])

    def dashboard(self) -> Pull:
        (issue,) = self.ask("GET", "/issues?type=issues&state=open")
        return dict(issue)

    def refs(self) -> dict[str, str]:
        """Commit by full name, as any client of git sees them."""
        lines = self.git(self.checkout, "ls-remote", "origin").splitlines()
        return {name: commit for commit, name in (line.split() for line in lines)}

    def branches(self) -> dict[str, str]:
        start = "refs/heads/imagebot/"
        return {name: commit for name, commit in self.refs().items() if name.startswith(start)}

    def text_at(self, ref: str, path: str = FILE) -> str:
        self.git(self.checkout, "fetch", "-q", "origin", ref)
        return self.git(self.checkout, "show", f"FETCH_HEAD:{path}")

    def everything(self) -> tuple[object, ...]:
        # Not `updated_at`: Gitea itself goes on with what was pushed, in the background.
        told = ("number", "state", "title", "body", "comments")
        pulls = [[each[name] for name in told] for each in self.pulls()]
        return self.refs(), pulls

    def settles(self) -> None:
        """Another run writes nothing, neither through the API nor by git."""
        before = self.everything()
        self.apply()
        assert self.exchanges.writes == []
        assert self.everything() == before

    def commit_to_the_request(self) -> str:
        """Somebody pushes to the request's branch; gives back the commit."""
        branch = self.pull()["head"]["ref"]
        self.git(self.checkout, "fetch", "-q", "origin", branch)
        self.git(self.checkout, "checkout", "-q", "-B", "other", "FETCH_HEAD")
        (self.checkout / "by-hand.txt").write_text("by hand\n")
        self.commit("By hand")
        self.git(self.checkout, "push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        self.git(self.checkout, "checkout", "-q", "main")
        return self.refs()[f"refs/heads/{branch}"]


def wait_until(holds: Callable[[], object], what: str) -> None:
    """Gitea looks for conflicts and merges what it was handed in the background."""
    give_up_at = time.monotonic() + _PROMPT_SECONDS
    while not holds():
        assert time.monotonic() < give_up_at, f"not within {_PROMPT_SECONDS} s: {what}"
        time.sleep(0.2)
