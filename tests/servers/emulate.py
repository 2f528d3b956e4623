"""The npm package `emulate`: a GitHub that somebody else wrote, as a second opinion on our own.

Installed by npm once into the user's cache, outside the git repository, and started per test
session on a free loopback port. Its version is pinned: later ones need a newer Node, and the
name's own latest is another program. Its gaps (no 401, no duplicates, no missing heads) are why
the contract suite runs on our own server.
"""

import base64
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.servers import fetched
from tests.servers.fetched import NotAvailable

VERSION = "0.11.2"
APP_ID = 12345
INSTALLATION_ID = 100
TOKEN = "emulated-token"
PROJECT = "acme/config"
READY_WITHIN_SECONDS = 30


@dataclass(frozen=True)
class Emulated:
    api_url: str

    def push(self, branch: str, text: str) -> None:
        """A branch with one commit more than main; git itself cannot push to it."""
        head = self.ask("GET", "git/ref/heads/main")["object"]["sha"]
        self.ask("POST", "git/refs", {"ref": f"refs/heads/{branch}", "sha": head})
        content = base64.b64encode(text.encode()).decode()
        wanted = {"message": text, "content": content, "branch": branch}
        self.ask("PUT", "contents/app.yaml", wanted)

    def ask(self, method: str, path: str, document: object = None) -> Any:
        answer = requests.request(
            method,
            f"{self.api_url}/repos/{PROJECT}/{path}",
            json=document,
            headers={"Authorization": f"token {TOKEN}"},
            timeout=10,
        )
        answer.raise_for_status()
        return answer.json()


def program() -> Path:
    """The script to run with node, installed first if it is not there yet."""
    installed = fetched.npm(f"emulate-{VERSION}", f"emulate@{VERSION}")
    return installed / "emulate" / "dist" / "index.js"


@contextmanager
def running(app_key: str, folder: Path) -> Iterator[Emulated]:
    """A running emulator with one repository and one App whose private key is `app_key` (PEM)."""
    seed = folder / "seed.json"
    seed.write_text(json.dumps(_seed(app_key)))
    port = _free_port()
    log = folder / "emulate.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *("node", str(program()), "start", "--service", "github"),
                *("--port", str(port), "--seed", str(seed)),
                *("--base-url", f"http://127.0.0.1:{port}"),
            ],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(process, port, log)
            yield Emulated(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    give_up_at = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < give_up_at and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise NotAvailable(f"emulate {VERSION} did not start: {log.read_text()[-300:]}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _seed(app_key: str) -> dict[str, Any]:
    owner, name = PROJECT.split("/")
    # GitHub takes pull_requests: write for labels and comments too, emulate only issues: write.
    permissions = {
        "contents": "write",
        "pull_requests": "write",
        "metadata": "read",
        "issues": "write",
    }
    installation = {
        "installation_id": INSTALLATION_ID,
        "account": owner,
        "repository_selection": "all",
    }
    return {
        "tokens": {TOKEN: {"login": "admin", "scopes": ["repo", "user"]}},
        "github": {
            "users": [{"login": "admin"}, {"login": "alice"}],
            "orgs": [{"login": owner, "members": [{"login": "admin", "role": "admin"}]}],
            "repos": [{"owner": owner, "name": name, "auto_init": True}],
            "apps": [
                {
                    "app_id": APP_ID,
                    "slug": "imagebot",
                    "name": "imagebot",
                    "private_key": app_key,
                    "permissions": permissions,
                    "events": [],
                    "installations": [installation],
                }
            ],
        },
    }
