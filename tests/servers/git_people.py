"""A person who works on a git repository beside imagebot, and what both use in tests."""

import os
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from imagebot.git import Identity

BOT = Identity("imagebot", "imagebot@example.org")
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MESSAGE = "Update api to 1.1.0\n\nWhy: a new release.\n\nImage: example.org/api\nTo: 1.1.0\n"
BRANCH = "imagebot/api-1a2b3c"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a work tree who pushes to a bare repository on this disk."""

    folder: Path
    bare: Path
    name: str = "Ada"
    email: str = "ada@example.org"
    variables: dict[str, str] = field(default_factory=dict)

    def git(self, *arguments: str) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": self.name,
            "GIT_AUTHOR_EMAIL": self.email,
            "GIT_COMMITTER_NAME": self.name,
            "GIT_COMMITTER_EMAIL": self.email,
        }
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=environment | self.variables,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout.strip()

    def write(self, path: str, content: bytes) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    def commit(self, files: dict[str, bytes], message: str = "Change by hand") -> str:
        for path, content in files.items():
            self.write(path, content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def push(self, refspec: str = "HEAD:refs/heads/main", *options: str) -> None:
        self.git("push", "--quiet", *options, str(self.bare), refspec)

    def check_out(self, branch: str) -> None:
        self.git("fetch", "--quiet", str(self.bare), branch)
        self.git("checkout", "--quiet", "--detach", "FETCH_HEAD")


def person_at(
    folder: Path, bare: Path, name: str = "Ada", email: str = "ada@example.org"
) -> Person:
    folder.mkdir(parents=True)
    person = Person(folder, bare, name, email)
    person.git("init", "--quiet", "--initial-branch=main")
    return person
