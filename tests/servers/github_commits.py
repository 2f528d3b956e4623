"""What GitHub does with `POST git/blobs`, `git/trees`, `git/commits`: objects beside all branches.

For tests. git itself makes the objects in the bare repository. A commit that an App's installation
makes without naming an author is by the App's bot, committed by GitHub and signed with GitHub's
key, here one of a GnuPG home of its own.
"""

import base64
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imagebot.demo.github_hosting import Refusal
from imagebot.demo.json_server import Answer

BOT = "imagebot[bot] <1234+imagebot[bot]@users.noreply.github.com>"
GITHUB = "GitHub <noreply@github.com>"


class Commits:
    """Objects in one bare repository. `home` are the variables of GnuPG, none: nothing is signed.

    `author`, `committer` and `ends` (behind the signature) are what a test wants otherwise.
    """

    def __init__(self) -> None:
        self.home: dict[str, str] = {}
        self.author, self.committer = BOT, GITHUB
        self.ends = b"\n"
        self.made: list[str] = []

    def answer(self, bare: Path, what: str, document: Any, root: str, *, is_app: bool) -> Answer:
        if what == "blobs":
            content = base64.b64decode(document["content"])
            sha = self._git(bare, ["hash-object", "-w", "--stdin"], content)
            return Answer(201, {"sha": sha, "url": f"{root}/git/blobs/{sha}"})
        if what == "trees":
            return self._tree(bare, document, root)
        return self._commit(bare, document, root, is_signed=is_app and "author" not in document)

    def _tree(self, bare: Path, document: Any, root: str) -> Answer:
        index = {"GIT_INDEX_FILE": str(bare / "index-of-the-api")}
        self._git(bare, ["read-tree", document["base_tree"]], b"", index)
        for each in document["tree"]:
            sha = each.get("sha") or self._git(
                bare, ["hash-object", "-w", "--stdin"], each["content"].encode()
            )
            entry = f"{each['mode']},{sha},{each['path']}"
            self._git(bare, ["update-index", "--add", "--cacheinfo", entry], b"", index)
        sha = self._git(bare, ["write-tree"], b"", index)
        url = f"{root}/git/trees/{sha}"
        return Answer(201, {"sha": sha, "url": url, "truncated": False, "tree": []})

    def _commit(self, bare: Path, document: Any, root: str, *, is_signed: bool) -> Answer:
        if self._git(bare, ["cat-file", "-t", document["tree"]]) != "tree":
            raise Refusal(422, "Tree SHA does not exist")
        at = datetime.now(UTC)
        parents = "".join(f"parent {parent}\n" for parent in document["parents"])
        payload = (
            f"tree {document['tree']}\n{parents}"
            f"author {self.author} {int(at.timestamp())} +0000\n"
            f"committer {self.committer} {int(at.timestamp())} +0000\n\n{document['message']}"
        ).encode()
        signature = self._signature(payload) if is_signed and self.home else b""
        content = payload
        if signature:
            head, blank, message = payload.partition(b"\n\n")
            lines = signature.replace(b"\n", b"\n ")
            content = head + b"\ngpgsig " + lines + blank + message
        sha = self._git(bare, ["hash-object", "-t", "commit", "-w", "--stdin"], content)
        self.made.append(sha)
        return Answer(201, self._shown(document, sha, at, payload, signature, root))

    def _shown(
        self, asked: Any, sha: str, at: datetime, payload: bytes, signature: bytes, root: str
    ) -> dict[str, Any]:
        def person(line: str) -> dict[str, str]:
            name, _, address = line.removesuffix(">").partition(" <")
            return {"name": name, "email": address, "date": at.strftime("%Y-%m-%dT%H:%M:%SZ")}

        url, page = f"{root}/git/commits/{sha}", f"{root}/commit/{sha}"
        return {
            "sha": sha,
            "node_id": "C_1",
            "url": url,
            "html_url": page,
            "author": person(self.author),
            "committer": person(self.committer),
            "message": asked["message"],
            "tree": {"sha": asked["tree"], "url": f"{root}/git/trees/{asked['tree']}"},
            "parents": [
                {"sha": each, "url": f"{root}/git/commits/{each}", "html_url": f"{root}/c/{each}"}
                for each in asked["parents"]
            ],
            "verification": {
                "verified": bool(signature),
                "reason": "valid" if signature else "unsigned",
                "signature": signature.decode() or None,
                "payload": payload.decode() if signature else None,
                "verified_at": at.strftime("%Y-%m-%dT%H:%M:%SZ") if signature else None,
            },
        }

    def _signature(self, payload: bytes) -> bytes:
        command = ["gpg", "--batch", "--quiet", "--armor", "--detach-sign"]
        environment = {"PATH": os.environ["PATH"], **self.home}
        done = subprocess.run(
            command, input=payload, env=environment, capture_output=True, check=True, timeout=60
        )
        return done.stdout.rstrip(b"\n") + self.ends

    def _git(
        self, bare: Path, words: list[str], stdin: bytes = b"", more: dict[str, str] | None = None
    ) -> str:
        done = subprocess.run(
            ["git", "--git-dir", str(bare), *words],
            input=stdin,
            env={"PATH": os.environ["PATH"], "HOME": str(bare), **(more or {})},
            capture_output=True,
            check=False,
            timeout=60,
        )
        if done.returncode:
            raise Refusal(422, done.stderr.decode(errors="replace").strip())
        return done.stdout.decode().strip()
