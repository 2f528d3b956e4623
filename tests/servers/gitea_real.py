"""A real Gitea, run from a binary that the developer has: what the stand-in cannot vouch for.

Nothing of it is kept: its folder, database and accounts last as long as the block. Its tokens have
just the scopes that docs/forges.md asks for.
"""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import requests

ADMIN = "root1"
ORGANISATION = "acme"
READY_WITHIN_SECONDS = 60
_SCOPES = {
    "imagebot": ["write:repository", "write:issue", "read:user"],  # as docs/forges.md says
    "alice": ["write:repository", "write:issue"],
    "bob": ["write:issue", "read:repository"],
}
_ROLES = {"imagebot": "admin", "alice": "write", "bob": "read"}
_CONFIG = """\
RUN_MODE = prod
WORK_PATH = {folder}

[server]
PROTOCOL = http
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://127.0.0.1:{port}/
DISABLE_SSH = true
OFFLINE_MODE = true
{static}
[database]
DB_TYPE = sqlite3
PATH = {folder}/gitea.db

[security]
INSTALL_LOCK = true
SECRET_KEY = {secret}

[repository]
ROOT = {folder}/repositories

[log]
LEVEL = Warn
MODE = file
ROOT_PATH = {folder}/log

[service]
DISABLE_REGISTRATION = true

[cron.update_checker]
ENABLED = false

[actions]
ENABLED = false
"""


class NotStarted(Exception):
    """Gitea ended, or did not answer in time; the message has the end of what it said."""


@dataclass
class RealGitea:
    """A running instance with an organisation, imagebot, alice and bob."""

    url: str
    tokens: dict[str, str] = field(default_factory=dict, repr=False)

    def call(self, method: str, path: str, document: object = None, *, who: str = ADMIN) -> Any:
        """Ask the API as one of the people; gives back the answer's JSON, None if it is empty."""
        answer = requests.request(
            method,
            f"{self.url}/api/v1{path}",
            json=document,
            headers={"Authorization": f"token {self.tokens[who]}"},
            timeout=30,
        )
        assert answer.ok, f"{method} {path} as {who}: {answer.status_code} {answer.text[:300]}"
        return answer.json() if answer.content.strip() else None

    def add_repository(self, name: str) -> str:
        """An empty repository that imagebot administers, alice writes and bob reads."""
        self.call("POST", f"/orgs/{ORGANISATION}/repos", {"name": name, "default_branch": "main"})
        for person, role in _ROLES.items():
            path = f"/repos/{ORGANISATION}/{name}/collaborators/{person}"
            self.call("PUT", path, {"permission": role})
        return f"{ORGANISATION}/{name}"

    def address(self, project: str, who: str = "") -> str:
        """Where git finds a repository, with a person's token if one is named."""
        scheme, _, host = self.url.partition("://")
        login = f"{who}:{self.tokens[who]}@" if who else ""
        return f"{scheme}://{login}{host}/{project}.git"

    def add_people(self) -> None:
        for name, scopes in _SCOPES.items():
            password = secrets.token_urlsafe(24)
            wanted = {"username": name, "email": f"{name}@example.org", "password": password}
            self.call("POST", "/admin/users", {**wanted, "must_change_password": False})
            answer = requests.post(
                f"{self.url}/api/v1/users/{name}/tokens",
                json={"name": "story", "scopes": scopes},
                auth=(name, password),
                timeout=30,
            )
            answer.raise_for_status()
            self.tokens[name] = answer.json()["sha1"]


@contextmanager
def running(binary: Path, static: Path | None = None, user: str = "nobody") -> Iterator[RealGitea]:
    """Start it on a free loopback port; as `user` if we are root, since Gitea refuses root.

    `static` has the folders `templates`, `options` and `public`, for a binary built without them.
    """
    folder = Path(mkdtemp(prefix="gitea-"))
    try:
        port = _free_port()
        config = folder / "app.ini"
        place = f"STATIC_ROOT_PATH = {static.resolve()}\n" if static else ""
        config.write_text(
            _CONFIG.format(folder=folder, port=port, static=place, secret=secrets.token_hex(32))
        )
        account = _account_for(folder, user)
        words = [str(binary.resolve()), "--config", str(config)]
        with _started([*words, "web"], folder, account) as process:
            gitea = RealGitea(f"http://127.0.0.1:{port}")
            _wait_until_ready(gitea.url, process, folder)
            gitea.tokens[ADMIN] = _administrator(words, folder, account)
            gitea.add_people()
            gitea.call("POST", "/orgs", {"username": ORGANISATION})
            yield gitea
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _account_for(folder: Path, user: str) -> dict[str, Any]:
    """What subprocess needs to run Gitea in its folder, which becomes that account's."""
    variables = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    if os.getuid() != 0:
        return {"env": variables | {"USER": pwd.getpwuid(os.getuid()).pw_name}}
    account = pwd.getpwnam(user)
    for path in (folder, *folder.iterdir()):
        os.chown(path, account.pw_uid, account.pw_gid)
    return {
        "env": variables | {"USER": user},
        "user": account.pw_uid,
        "group": account.pw_gid,
        "extra_groups": [],
    }


@contextmanager
def _started(
    words: list[str], folder: Path, account: dict[str, Any]
) -> Iterator["subprocess.Popen[bytes]"]:
    # A session of its own: Ctrl-C reaches this process alone, which then stops Gitea in order.
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            words,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **account,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", folder: Path) -> None:
    give_up_at = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < give_up_at and process.poll() is None:
        try:
            if requests.get(f"{url}/api/healthz", timeout=5).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    files = [folder / "output", *sorted((folder / "log").glob("*.log"))]
    said = "\n".join(file.read_text(errors="replace")[-1500:] for file in files)
    raise NotStarted(f"Gitea did not start:\n{said}")


def _administrator(words: list[str], folder: Path, account: dict[str, Any]) -> str:
    """Make the account that makes all others; gives back a token that may do everything."""
    named = ["--username", ADMIN, "--email", f"{ADMIN}@example.org"]
    for more in (
        ["create", *named, "--random-password", "--must-change-password=false", "--admin"],
        ["generate-access-token", "--username", ADMIN, "--scopes", "all", "--raw"],
    ):
        done = subprocess.run(
            [*words, "admin", "user", *more],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            **account,
        )
        if done.returncode:
            raise NotStarted(f"gitea admin user {more[0]}: {done.stdout}{done.stderr}")
    return done.stdout.split()[-1]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
