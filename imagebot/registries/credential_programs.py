"""Runs docker credential programs (`docker-credential-NAME get`), as named by the settings.

A program has ten seconds and 64 KiB. What it prints is never shown, since it may hold a secret;
of its environment, imagebot's own settings are withheld. Its answer is kept for five minutes, so
that a poll of two hundred repositories starts it once.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from selectors import EVENT_READ, DefaultSelector

from imagebot.errors import RegistryError, RegistryUnavailable
from imagebot.image import DOCKER_HUB, shortened
from imagebot.registries.accounts import BasicCredentials
from imagebot.registries.outcomes import Outcomes
from imagebot.secret import Secret

RUN_SECONDS = 10.0
KEEP_SECONDS = 300.0
MAX_OUTPUT_BYTES = 65536
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_NOT_FOUND = b"credentials not found"  # docker-credential-helpers, the protocol's words
_DOCKER_HUB_SERVER = "https://index.docker.io/v1/"


class CredentialPrograms:
    """Runs each program at most once at a time for a host, and remembers. Thread-safe."""

    def __init__(self, run_seconds: float = RUN_SECONDS) -> None:
        self._run_seconds = run_seconds
        self._outcomes: Outcomes[tuple[str, str], BasicCredentials | None] = Outcomes()

    def get(self, name: str, host: str) -> BasicCredentials | None:
        """Credentials for a host; None when the program has none. Raises RegistryError."""
        return self._outcomes.get(
            (name, host), lambda: (_ask(name, host, self._run_seconds), KEEP_SECONDS)
        )


def _ask(name: str, host: str, run_seconds: float) -> BasicCredentials | None:
    program = f"docker-credential-{name}"
    path = shutil.which(program) if _NAME.fullmatch(name) else None
    if path is None:
        raise RegistryError(
            f"the credential program {shortened(program)!r} for {host} is not installed",
            hint="install it, or take it out of the settings or the docker configuration",
        )
    server = _DOCKER_HUB_SERVER if host == DOCKER_HUB else host
    status, output = _run([path, "get"], server.encode(), program, run_seconds)
    if status != 0:
        if _NOT_FOUND in output.lower():
            return None
        raise RegistryError(
            f"the credential program {program} failed for {host} (exit code {status})",
            hint=f"run `echo {host} | {program} get` to see why",
        )
    return _read(output, program, host)


def _run(
    command: list[str], question: bytes, program: str, run_seconds: float
) -> tuple[int, bytes]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("IMAGEBOT_")
    }
    ends_at = time.monotonic() + run_seconds
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,  # so that its children end with it
    )
    try:
        with suppress(BrokenPipeError):
            assert process.stdin is not None  # noqa: S101 - for the type checker
            process.stdin.write(question)
            process.stdin.close()
        output = _read_until(process, program, ends_at)
        return process.wait(max(0.0, ends_at - time.monotonic())), output
    except (TimeoutError, subprocess.TimeoutExpired):
        raise RegistryUnavailable(
            f"the credential program {program} did not end within {run_seconds:g} s"
        ) from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def _read_until(process: subprocess.Popen[bytes], program: str, ends_at: float) -> bytes:
    """Everything it prints. Raises TimeoutError at the deadline, RegistryError over the limit."""
    assert process.stdout is not None  # noqa: S101 - for the type checker
    output = b""
    with DefaultSelector() as selector:
        selector.register(process.stdout, EVENT_READ)
        while len(output) <= MAX_OUTPUT_BYTES:
            if not selector.select(max(0.0, ends_at - time.monotonic())):
                raise TimeoutError
            chunk = os.read(process.stdout.fileno(), MAX_OUTPUT_BYTES)
            if not chunk:
                return output
            output += chunk
    raise RegistryError(f"the credential program {program} printed over {MAX_OUTPUT_BYTES} bytes")


def _read(output: bytes, program: str, host: str) -> BasicCredentials | None:
    try:
        document = json.loads(output)
        username, secret = document["Username"], document["Secret"]
    except (ValueError, KeyError, TypeError, RecursionError):
        username = secret = None  # the parser's message may quote the secret
    if not isinstance(username, str) or not isinstance(secret, str):
        raise RegistryError(f"the credential program {program} did not answer {host} in JSON")
    if not username and not secret:
        return None  # docker-credential-pass, for a host it does not know
    return BasicCredentials(username, Secret(secret), f"the credential program {program}")
