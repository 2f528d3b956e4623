"""Run one git process: a fixed list of arguments, a closed environment, a deadline, bounded output.

Edge. GitPython's command runner starts the process; its own `kill_after_timeout` looks for
children with `pgrep` or `ps` at the moment of the kill, which slim images do not have, so each
process gets a session of its own here and the whole group is killed. What git says on stderr
is cut, freed of control characters and secrets, and left to complaints.py to understand.
"""

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from imagebot.errors import GitError, GitUnavailable
from imagebot.git.hardening import config_environment
from imagebot.workers import waiting

MAX_STDERR_BYTES = 16 * 1024
MAX_OUTPUT_BYTES = 256 * 1024 * 1024
_HELD_BYTES = 1 << 20  # of a spooled output, before it goes to a file
_CHUNK_BYTES = 1 << 16

# Control characters, and the bidirectional marks that turn a line around on a terminal.
_UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


@dataclass(frozen=True, slots=True)
class Finished:
    """How a process ended. `stderr` is safe to show."""

    status: int
    stdout: bytes
    stderr: str


@dataclass(frozen=True, slots=True)
class Runner:
    """Everything that git processes of one clone or checkout have in common.

    `config` is given to each process through the environment, where it outranks every file and
    is not seen in the process list. `secrets` are blanked in what git says.
    """

    git_dir: Path | None  # None: no repository, not even one that git would find by itself
    work_folder: Path | None = None
    config: Mapping[str, str] = field(default_factory=dict, repr=False)  # may hold a password
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    timeout_seconds: float = 120.0

    def run(
        self,
        arguments: Sequence[str],
        *,
        stdin: Iterable[bytes] = (),
        environment: Mapping[str, str] | None = None,
        max_output_bytes: int = MAX_OUTPUT_BYTES,
    ) -> Finished:
        """Run to the end. Raises GitUnavailable at the deadline, GitError on too much output."""
        with self.start(arguments, stdin=stdin, environment=environment) as process, waiting():
            output = process.stdout.read(max_output_bytes + 1)
            if len(output) > max_output_bytes:
                raise _too_much(arguments, max_output_bytes)
            status, stderr = process.end()
        return Finished(status, output, stderr)

    @contextlib.contextmanager
    def spool(
        self, arguments: Sequence[str], *, max_output_bytes: int = MAX_OUTPUT_BYTES
    ) -> Iterator[tuple[Finished, IO[bytes]]]:
        """Run to the end, then give the output, read at leisure: the deadline counts git.

        A long output waits in a temporary file; `stdout` of what finished is empty.
        Raises as `run` does.
        """
        with tempfile.SpooledTemporaryFile(max_size=_HELD_BYTES) as output:
            with self.start(arguments) as process:
                left = max_output_bytes
                while chunk := process.stdout.read(_CHUNK_BYTES):
                    left -= len(chunk)
                    if left < 0:
                        raise _too_much(arguments, max_output_bytes)
                    output.write(chunk)
                status, stderr = process.end()
            output.seek(0)
            yield Finished(status, b"", stderr), cast(IO[bytes], output)

    @contextlib.contextmanager
    def start(
        self,
        arguments: Sequence[str],
        *,
        stdin: Iterable[bytes] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Iterator["GitProcess"]:
        """A running process whose output is read as it comes; killed when the block is left."""
        with tempfile.TemporaryDirectory(prefix="imagebot-home-") as home:
            closed = config_environment(self.config) | dict(self.environment)
            closed |= {"HOME": home, "XDG_CONFIG_HOME": home} | dict(environment or {})
            closed["GIT_DIR"] = str(self.git_dir or Path(home, "none"))
            started = _spawn(["git", *arguments], closed, self.work_folder)
            process = GitProcess(arguments[0], started, stdin, self.timeout_seconds, self.secrets)
            try:
                yield process
            finally:
                process.kill()


class Deadline:
    """How long git may still take. `now` gives seconds of a clock that is never set back."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._now = now
        self._due: float | None = now() + seconds

    def rest(self) -> None:
        self._due = None

    def resume(self) -> None:
        """Start anew, with the whole time."""
        self._due = self._now() + self._seconds

    def seconds_left(self) -> float:
        """0 or less once it is over, the whole time while it rests."""
        due = self._due
        return self._seconds if due is None else due - self._now()


class GitProcess:
    """One git process with its feeder, its listener and its deadline."""

    def __init__(
        self,
        name: str,
        process: "subprocess.Popen[bytes]",
        stdin: Iterable[bytes],
        timeout_seconds: float,
        secrets: tuple[str, ...],
    ) -> None:
        self.stdout = cast(IO[bytes], process.stdout)
        self._name = name
        self._process = process
        self._timeout_seconds = timeout_seconds
        self._secrets = secrets
        self._is_late = False
        self._said = bytearray()
        self._deadline = Deadline(timeout_seconds)
        self._is_done = threading.Event()
        self._feeder = threading.Thread(target=self._feed, args=(stdin,), daemon=True)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        watcher = threading.Thread(target=self._watch, daemon=True)
        for thread in (watcher, self._feeder, self._listener):
            thread.start()

    def rest(self) -> None:
        """Stop the clock: from here on git waits for us. Costs nothing; see `_watch`."""
        self._deadline.rest()

    def resume(self) -> None:
        """Start the clock anew: git has something to do again."""
        self._deadline.resume()

    def _watch(self) -> None:
        """Wait for the deadline. One set while this sleeps is never nearer than the sleep's end."""
        left = self._timeout_seconds
        while not self._is_done.wait(left):
            left = self._deadline.seconds_left()
            if left <= 0:
                self._expire()
                return

    def end(self) -> tuple[int, str]:
        """Wait for the process; its exit status and what it said. Raises GitUnavailable if late."""
        status = self._process.wait()
        self._is_done.set()
        self._listener.join(5)
        if self._is_late:
            raise GitUnavailable(
                f"git {self._name} did not end within {self._timeout_seconds:g} seconds",
                hint="the remote may be slow or out of reach; the whole process group was ended",
            )
        return status, printable(bytes(self._said), self._secrets)

    def kill(self) -> None:
        """End the process and its children. Harmless when they have ended."""
        self._is_done.set()
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._feeder.join(5)
        self._listener.join(5)
        for stream in (self._process.stdout, self._process.stderr, self._process.stdin):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _expire(self) -> None:
        self._is_late = True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _feed(self, chunks: Iterable[bytes]) -> None:
        stream = cast(IO[bytes], self._process.stdin)
        # A process that ends early closes the pipe; its exit status tells the story.
        with contextlib.suppress(OSError, ValueError):
            for chunk in chunks:
                stream.write(chunk)
                stream.flush()
            stream.close()

    def _listen(self) -> None:
        stream = cast(IO[bytes], self._process.stderr)
        with contextlib.suppress(OSError, ValueError):
            while chunk := stream.read1(8192):  # type: ignore[attr-defined]
                # The end of a long complaint names the cause: keep that.
                self._said += chunk
                del self._said[:-MAX_STDERR_BYTES]


def _too_much(arguments: Sequence[str], max_bytes: int) -> GitError:
    return GitError(f"git {arguments[0]} gave more than {max_bytes} bytes")


def printable(said: bytes, secrets: Iterable[str]) -> str:
    """What a server or git said, fit to be shown: no secret, no control character, bounded."""
    text = said.decode("utf-8", "replace")
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "****")
    return _UNPRINTABLE.sub("", text.replace("\r", "\n")).strip()


def _spawn(
    command: list[str], environment: Mapping[str, str], folder: Path | None
) -> "subprocess.Popen[bytes]":
    try:
        # Importing GitPython looks for the git binary, and takes 0.1 s: only when git is needed.
        from git.cmd import Git
        from git.exc import GitError as GitPythonError
    except ImportError as error:
        raise GitError("git could not be found", hint="install git 2.31 or newer") from error
    try:
        started = Git(folder).execute(
            _without_inherited_settings(command, environment),
            istream=subprocess.PIPE,
            as_process=True,
            env=environment,
            start_new_session=True,
        )
    except (GitPythonError, OSError) as error:
        raise GitError("git could not be started", hint="install git 2.31 or newer") from error
    # GitPython's wrapper would end the process as soon as the wrapper is forgotten.
    process, started.proc = started.proc, None
    return cast("subprocess.Popen[bytes]", process)


def _without_inherited_settings(command: list[str], environment: Mapping[str, str]) -> list[str]:
    """Let `env` drop the GIT_* variables of our own process: GitPython can only add to them.

    An inherited GIT_TRACE_CURL would print credentials, GIT_SSL_NO_VERIFY would switch checks
    off by merely being there, GIT_INDEX_FILE and its like would mislead git.
    """
    inherited = {name for name in os.environ if name.startswith(("GIT_", "SSH_ASKPASS"))}
    drop = [word for name in sorted(inherited - environment.keys()) for word in ("-u", name)]
    return ["env", *drop, *command] if drop else command
