"""A real git server over SSH: sshd on a free port of 127.0.0.1 with a host key of its own.

For tests. The account is the one that runs the tests; its key may run git commands and nothing
else.
"""

import getpass
import os
import socket
import subprocess
from pathlib import Path
from typing import Self

from tests.servers.git_http import create_bare, free_port, give_up, require, stop, wait_until

_CONFIGURATION = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
AcceptEnv GIT_PROTOCOL
"""


class GitSshServer:
    """`with GitSshServer(folder) as server:` bare repositories, a key that is taken and one not."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.key_file = folder / "client_key"
        self.wrong_key_file = folder / "wrong_key"
        self.known_hosts_file = folder / "known_hosts"
        self.changed_known_hosts_file = folder / "changed_known_hosts"
        self.empty_known_hosts_file = folder / "empty_known_hosts"

    def __enter__(self) -> Self:
        programs = require("sshd", "ssh", "ssh-keygen", "git-shell", "git")
        if os.geteuid() == 0:
            # sshd's empty folder for privilege separation, made by its service elsewhere.
            Path("/run/sshd").mkdir(exist_ok=True)
        self._write_files(programs)
        check = subprocess.run(
            [programs["sshd"], "-t", "-f", str(self._folder / "sshd_config")],
            capture_output=True,
            text=True,
            timeout=30,
        )
        if check.returncode != 0:
            give_up(f"sshd does not run here: {check.stderr}")
        log = (self._folder / "sshd.log").open("wb")
        with log:
            self._process = subprocess.Popen(
                [programs["sshd"], "-D", "-e", "-f", str(self._folder / "sshd_config")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_until(self._answers, "sshd")
        except BaseException:
            stop(self._process)
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        if self._process is not None:
            stop(self._process)

    def url(self, name: str) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{self.path(name)}"

    def path(self, name: str) -> Path:
        return self._folder / "repositories" / f"{name}.git"

    def create(self, name: str) -> Path:
        """An empty bare repository that can be pushed to; gives its folder."""
        return create_bare(self.path(name))

    def log(self) -> str:
        return (self._folder / "sshd.log").read_text(errors="replace")

    def _write_files(self, programs: dict[str, str]) -> None:
        (self._folder / "repositories").mkdir(parents=True)
        for name in ("host_key", "other_host_key", "client_key", "wrong_key"):
            subprocess.run(
                [programs["ssh-keygen"], "-q", "-t", "ed25519", "-N", "", "-C", name,
                 "-f", str(self._folder / name)],
                check=True,
                timeout=30,
            )  # fmt: skip
        command = f'{programs["git-shell"]} -c \\"$SSH_ORIGINAL_COMMAND\\"'
        public = (self._folder / "client_key.pub").read_text()
        authorized = f'restrict,command="{command}" {public}'
        (self._folder / "authorized_keys").write_text(authorized)
        configuration = _CONFIGURATION.format(port=self.port, folder=self._folder)
        (self._folder / "sshd_config").write_text(configuration)
        for target, key in (
            (self.known_hosts_file, "host_key"),
            (self.changed_known_hosts_file, "other_host_key"),
        ):
            host_key = (self._folder / f"{key}.pub").read_text()
            target.write_text(f"[127.0.0.1]:{self.port} {host_key}")
        self.empty_known_hosts_file.write_text("")

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False
