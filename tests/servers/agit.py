"""A real git server that opens requests for pushes to refs/for/, as Gitea and Forgejo do.

For tests. git itself serves; its proc-receive hook (githooks(5)) does what those forges do with
such a push: a topic has at most one open request, whose commits only a confirmed push replaces.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_HOOK = r'''#!PYTHON
import json, os, subprocess, sys

def read():
    """Lines up to the next flush packet."""
    lines = []
    while size := int(sys.stdin.buffer.read(4), 16):
        lines.append(sys.stdin.buffer.read(size - 4).decode().rstrip("\n"))
    return lines

def write(*lines):
    for line in lines:
        sys.stdout.buffer.write(b"%04x" % (len(line.encode()) + 4) + line.encode())
    sys.stdout.buffer.write(b"0000")
    sys.stdout.buffer.flush()

def git(*words):
    return subprocess.run(["git", *words], capture_output=True, text=True)

def answer(new, ref, options):
    base, topic = ref.removeprefix("refs/for/"), options.get("topic", "")
    while base and git("rev-parse", "-q", "--verify", "refs/heads/" + base).returncode:
        base = base.rpartition("/")[0]
    if not base:
        return [f"ng {ref} base-branch does not exist"]
    topic = ref.removeprefix(f"refs/for/{base}/") if ref != f"refs/for/{base}" else topic
    if not topic:
        return [f"ng {ref} topic-branch is not set"]
    requests = json.load(open("requests.json"))
    mine = [r for r in requests if (r["topic"], r["state"], r["base"]) == (topic, "open", base)]
    if mine:
        request = mine[0]
        head = git("rev-parse", f"refs/pull/{request['number']}/head").stdout.strip()
        if head == new:
            return [f"ng {ref} new commit is same with old commit"]
        forced = options.get("force-push") == "true"
        if forced:
            open("forced", "a").write(ref + "\\n")
        if not forced and git("merge-base", "--is-ancestor", head, new).returncode:
            return [f"ng {ref} request `force-push` push option"]
    else:
        subject = git("log", "-1", "--format=%s", new).stdout.strip()
        request = dict(number=len(requests) + 1, topic=topic, base=base, state="open", pushes=0,
                       title=options.get("title") or subject)
        requests.append(request)
    request["pushes"] += 1
    name = f"refs/pull/{request['number']}/head"
    git("update-ref", name, new)
    json.dump(requests, open("requests.json", "w"))
    return [f"ok {ref}", f"option refname {name}", f"option new-oid {new}"]

read()
write("version=1\0push-options")
commands = [line.split(" ") for line in read()]
options = dict(line.partition("=")[::2] for line in read())
write(*[line for _old, new, ref in commands for line in answer(new, ref, options)])
'''


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the server keeps it. `pushes` counts those that were taken."""

    number: int
    topic: str
    base: str
    state: str
    pushes: int
    title: str


@dataclass(frozen=True, slots=True)
class AgitServer:
    """Makes a bare repository take pushes to refs/for/, and tells what became of them."""

    bare: Path

    def set_up(self) -> "AgitServer":
        self._git("config", "receive.advertisePushOptions", "true")
        self._git("config", "receive.procReceiveRefs", "refs/for")
        (self.bare / "requests.json").write_text("[]")
        hook = self.bare / "hooks" / "proc-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(_HOOK.replace("PYTHON", sys.executable, 1))
        hook.chmod(0o755)
        return self

    def requests(self) -> list[Request]:
        return [Request(**each) for each in json.loads((self.bare / "requests.json").read_text())]

    def was_forced(self) -> bool:
        """Whether any push asked to replace the commits of an open request."""
        return (self.bare / "forced").exists()

    def at_the_next_push(self, command: str) -> None:
        """Run a shell command once: the push has come in, and is not looked at yet."""
        hook = self.bare / "hooks" / "pre-receive"
        hook.write_text(
            f"#!/bin/sh\ntest -e raced && exit 0\n: > raced\nenv -u GIT_QUARANTINE_PATH {command}\n"
        )
        hook.chmod(0o755)

    def head(self, number: int) -> str:
        return self._git("rev-parse", f"refs/pull/{number}/head").strip()

    def close(self, number: int, *, merge: bool = False) -> None:
        """A person closes or merges a request on the web; its head stays."""
        kept = json.loads((self.bare / "requests.json").read_text())
        kept[number - 1]["state"] = "merged" if merge else "closed"
        (self.bare / "requests.json").write_text(json.dumps(kept))
        if merge:
            self._git("update-ref", f"refs/heads/{kept[number - 1]['base']}", self.head(number))

    def refs(self) -> str:
        return self._git("for-each-ref")

    def content(self, number: int, path: str) -> str:
        return self._git("show", f"refs/pull/{number}/head:{path}")

    def _git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.bare), *words],
            check=True, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done.stdout
