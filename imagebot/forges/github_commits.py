"""Commits that GitHub signs for an App, which it then shows as verified.

Network. GitHub makes tree and commit beside all branches, by `POST git/trees` and
`POST git/commits`, and signs what an App's installation makes without naming an author. Its
answer holds what it signed and the signature, so the same commit is put together here
(git/signing.py) and pushed like any other: with a lease, together with the others. What is made
and never pushed is forgotten by GitHub in time.
"""

import base64
from contextlib import suppress
from typing import Any

from imagebot.errors import ForgeError
from imagebot.forges.github_api import GitHubApi
from imagebot.proposals import SignedCommit, UnsignedCommit


class GitHubCommits(GitHubApi):
    """One repository on GitHub. `project` is `owner/name`."""

    def sign(self, commit: UnsignedCommit) -> SignedCommit:
        """The commit as GitHub made and signed it: two requests, and one for each binary file."""
        with self._asking("make a signed commit", "contents: write"):
            entries = [
                {"path": path, "mode": mode, "type": "blob", **self._content(content)}
                for path, (mode, content) in sorted(commit.files.items())
            ]
            tree = self._made("trees", base_tree=commit.base_tree, tree=entries)
            if tree["sha"] != commit.tree:
                raise ForgeError(f"GitHub made other files of a commit for {self._project}")
            made = self._made(
                "commits", tree=commit.tree, parents=list(commit.parents), message=commit.message
            )
            proof = made["verification"]
            if not proof["verified"] or not proof["signature"] or not proof["payload"]:
                raise ForgeError(
                    f"GitHub did not sign a commit for {self._project}: {proof['reason']}",
                    hint="it signs for Apps alone, on a server of your own only where that is"
                    " switched on; else sign by a key: author.signing with format and keyFile",
                )
            return SignedCommit(
                proof["payload"].encode(), proof["signature"].encode(), str(made["sha"])
            )

    def _content(self, content: bytes) -> dict[str, str]:
        """How an entry of a tree gets its content: a text as it is, bytes as a blob made before."""
        with suppress(UnicodeDecodeError):
            if b"\0" not in content:
                return {"content": content.decode()}
        text = base64.b64encode(content).decode()
        return {"sha": str(self._made("blobs", content=text, encoding="base64")["sha"])}

    def _made(self, what: str, **document: object) -> dict[str, Any]:
        _headers, answer = self._api.requester.requestJsonAndCheck(
            "POST", f"/repos/{self._project}/git/{what}", input=document
        )
        made: dict[str, Any] = answer
        return made
