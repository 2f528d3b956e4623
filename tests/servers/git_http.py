"""A real git server over HTTP with a password: nginx, fcgiwrap and git's own http-backend.

For tests. Everything lives in one folder; the server listens on a free port of 127.0.0.1.
"""

import contextlib
import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.request import urlopen

import pytest

_NEEDED = ("nginx", "fcgiwrap", "openssl", "git")

_CONFIGURATION = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  log_format wire '$request_method $request_uri $status $remote_user';
  access_log {folder}/access.log wire;
  client_max_body_size 0;
  client_body_temp_path {folder}/tmp-body;
  proxy_temp_path {folder}/tmp-proxy;
  fastcgi_temp_path {folder}/tmp-fastcgi;
  uwsgi_temp_path {folder}/tmp-uwsgi;
  scgi_temp_path {folder}/tmp-scgi;
  server {{
    listen 127.0.0.1:{port};
    listen 127.0.0.1:{https_port} ssl;
    ssl_certificate {folder}/certificate.pem;
    ssl_certificate_key {folder}/certificate.key;
    location = /ready {{ access_log off; return 200 "ready"; }}
    location ~ ^/moved/(.*)$ {{ return 301 /$1$is_args$args; }}
    location ~ ^/broken/ {{ return 503; }}
    location ~ ^/(.+\\.git/.*)$ {{
      auth_basic "git";
      auth_basic_user_file {folder}/passwords;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param QUERY_STRING $query_string;
      fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param SERVER_PROTOCOL $server_protocol;
      fastcgi_param REMOTE_ADDR $remote_addr;
      fastcgi_param SCRIPT_FILENAME {backend};
      fastcgi_param GIT_PROJECT_ROOT {folder}/repositories;
      fastcgi_param GIT_HTTP_EXPORT_ALL "";
      fastcgi_param PATH_INFO /$1;
      fastcgi_param REMOTE_USER $remote_user;
      fastcgi_param HTTP_CONTENT_ENCODING $http_content_encoding;
      fastcgi_param HTTP_GIT_PROTOCOL $http_git_protocol;
      fastcgi_pass unix:{folder}/fcgi.sock;
    }}
  }}
}}
"""


def require(*programs: str) -> dict[str, str]:
    """Full paths of programs; skips the test by name where one is missing, fails it in CI."""
    search = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin"
    found = {name: shutil.which(name, path=search) for name in programs}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        give_up(f"needs {', '.join(missing)}")
    return {name: path for name, path in found.items() if path is not None}


def give_up(reason: str) -> None:
    """Skip, but fail where everything has to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until(is_ready: Callable[[], bool], what: str, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not is_ready():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come up")
        time.sleep(0.02)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server with its children: it was started in a session of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(5)


def create_bare(path: Path) -> Path:
    subprocess.run(
        ["git", "init", "--quiet", "--bare", "--initial-branch=main", str(path)],
        check=True,
        timeout=30,
    )
    for key, value in (("http.receivepack", "true"), ("gc.auto", "0"), ("receive.autogc", "false")):
        subprocess.run(["git", "-C", str(path), "config", key, value], check=True, timeout=30)
    return path


# Appends one line for each push to the file `told`: its refs, a tab, its options.
_RECORDING_HOOK = r"""#!/bin/sh
while read -r old new ref; do printf '%s\037' "$ref"; done >> told
printf '\t' >> told
i=0
while [ "$i" -lt "${GIT_PUSH_OPTION_COUNT:-0}" ]; do
  eval "printf '%s\037' \"\$GIT_PUSH_OPTION_$i\"" >> told
  i=$((i + 1))
done
printf '\n' >> told
cat answer >&2
"""


def take_push_options(bare: Path, answer: str = "") -> None:
    """Advertise push options and record, by a hook, those of each push that was taken."""
    command = ["git", "-C", str(bare), "config", "receive.advertisePushOptions", "true"]
    subprocess.run(command, check=True, timeout=30)
    (bare / "answer").write_text(answer + "\n" if answer else "")
    hook = bare / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(_RECORDING_HOOK)
    hook.chmod(0o755)


def told(bare: Path) -> list[tuple[list[str], list[str]]]:
    """What the hook recorded: refs and options of each push."""
    file = bare / "told"
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    halves = [line.partition("\t") for line in lines]
    return [(refs.split("\x1f")[:-1], options.split("\x1f")[:-1]) for refs, _, options in halves]


@dataclass(frozen=True, slots=True)
class Request:
    """One line of the access log. `user` is "-" without credentials."""

    method: str
    target: str
    status: int
    user: str


class GitHttpServer:
    """`with GitHttpServer(folder) as server:` bare repositories below one address.

    Addresses under `/moved/` answer 301, under `/broken/` 503.
    """

    username = "imagebot"
    password = "pass/word:& %41"  # every character that URLs and headers could trip over

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._seen_requests = 0
        self.port = free_port()
        self.https_port = free_port()
        self.ca_file = folder / "certificate.pem"

    def __enter__(self) -> Self:
        programs = require(*_NEEDED)
        (self._folder / "repositories").mkdir(parents=True)
        self._write_files(programs)
        try:
            socket_path = f"unix:{self._folder}/fcgi.sock"
            self._start([programs["fcgiwrap"], "-c", "4", "-s", socket_path])
            wait_until((self._folder / "fcgi.sock").exists, "fcgiwrap")
            configuration = str(self._folder / "nginx.conf")
            self._start([programs["nginx"], "-p", str(self._folder), "-c", configuration])
            wait_until(self._answers, "nginx")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}.git"

    def https_url(self, name: str) -> str:
        """The same repository with TLS, under a certificate that `ca_file` holds."""
        return f"https://127.0.0.1:{self.https_port}/{name}.git"

    def path(self, name: str) -> Path:
        return self._folder / "repositories" / f"{name}.git"

    def create(self, name: str) -> Path:
        """An empty bare repository that can be pushed to; gives its folder."""
        return create_bare(self.path(name))

    def take_push_options(self, name: str, answer: str = "") -> None:
        """Let a repository take push options, keep what each push said, and answer something."""
        take_push_options(self.path(name), answer)

    def told(self, name: str) -> list[tuple[list[str], list[str]]]:
        """Refs and options of each push since then, in order."""
        return told(self.path(name))

    def let_in(self, username: str, password: str) -> None:
        """One more user; nginx reads the file anew for each request."""
        openssl = require("openssl")["openssl"]
        done = subprocess.run(
            [openssl, "passwd", "-apr1", password],
            check=True, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        with (self._folder / "passwords").open("a") as passwords:
            passwords.write(f"{username}:{done.stdout.strip()}\n")

    def requests(self) -> list[Request]:
        """All requests so far. A request is logged when its answer is sent."""
        log = self._folder / "access.log"
        lines = log.read_text().splitlines() if log.exists() else []
        found = [re.match(r"(\S+) (\S+) (\d+) (.*)", line) for line in lines]
        return [Request(m[1], m[2], int(m[3]), m[4]) for m in found if m is not None]

    def new_requests(self) -> list[Request]:
        """Requests since the last call of this."""
        requests = self.requests()
        new = requests[self._seen_requests :]
        self._seen_requests = len(requests)
        return new

    def _write_files(self, programs: dict[str, str]) -> None:
        def output(*command: str) -> str:
            done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
            return done.stdout.strip()

        self.let_in(self.username, self.password)
        output(
            programs["openssl"], "req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
            "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", str(self._folder / "certificate.key"), "-out", str(self.ca_file),
        )  # fmt: skip
        configuration = _CONFIGURATION.format(
            user=f"user {getpass.getuser()};" if os.geteuid() == 0 else "",
            folder=self._folder,
            port=self.port,
            https_port=self.https_port,
            backend=f"{output(programs['git'], '--exec-path')}/git-http-backend",
        )
        (self._folder / "nginx.conf").write_text(configuration)

    def _start(self, command: list[str]) -> None:
        log = (self._folder / "servers.log").open("ab")
        with log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={"PATH": os.environ["PATH"], "HOME": str(self._folder)},
            )
        self._processes.append(process)

    def _stop(self) -> None:
        for process in reversed(self._processes):
            stop(process)

    def _answers(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False
