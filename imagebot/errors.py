"""What imagebot raises on purpose: a message, a hint, an exit code, and whether a retry can help.

Pure. The message starts lower-case, says what and where, and never holds a secret; the hint
says what to do. Only `cli` prints errors and only `controller` retries. Exit codes are a
contract (docs/cli.md): 1 other, 2 usage and settings, 3 policy or reference, 4 registry,
5 forge, 6 git.
"""


class ImagebotError(Exception):
    """Base of everything imagebot raises on purpose."""

    exit_code = 1
    can_retry = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def with_hint(self) -> str:
        """The message and what to do, in one line."""
        return f"{self} ({self.hint})" if self.hint else str(self)


class UsageError(ImagebotError):
    """A command was called with words that do not fit together."""

    exit_code = 2


class OutputError(ImagebotError):
    """What a command has to say cannot be written to standard output."""


class SettingsError(ImagebotError):
    """The settings of the process are missing or wrong."""

    exit_code = 2


class InvalidReference(ImagebotError):
    """A text is not an image reference, tag or digest by the distribution grammar."""

    exit_code = 3


class PolicyError(ImagebotError):
    """A policy document, range or pattern is wrong; a person has to mend it."""

    exit_code = 3


class StaleEdit(ImagebotError):
    """The bytes that an edit expects are not there (any more); nothing was written."""


class UnreadableFile(ImagebotError):
    """A file is not what the parser can read within its limits. `line` is 1-based, 0 unknown."""

    def __init__(self, message: str, *, line: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.line = line


class RegistryError(ImagebotError):
    """A registry refused, or answered what cannot be trusted; asking again will not help."""

    exit_code = 4


class RegistryUnavailable(RegistryError):
    """A registry did not answer, or asks us to come later (`retry_after_seconds`, if it says)."""

    can_retry = True

    def __init__(
        self, message: str, *, hint: str = "", retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class NotInRegistry(RegistryError):
    """The registry answered, surely, that this repository or tag does not exist (404)."""


class ForgeError(ImagebotError):
    """A forge refused; a person has to mend it (permission, missing repository, wrong token)."""

    exit_code = 5


class ForgeUnavailable(ForgeError):
    """A forge did not answer, or limits our rate; a later try can help."""

    can_retry = True

    def __init__(
        self, message: str, *, hint: str = "", retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class GitError(ImagebotError):
    """git ended with an error that a person has to mend (permission, missing branch, host key)."""

    exit_code = 6


class GitUnavailable(GitError):
    """The git remote could not be reached or timed out; a later try can help."""

    can_retry = True


class PushDeclined(GitError):
    """The remote took the push but would not move some branch of it, for a reason that it gave."""


class PushRejected(GitError):
    """The remote's `branches` are not where the lease expects them; start from a fresh fetch.

    `said` are the remote's own words for it, by which alone a lost race cannot be told for sure
    from a branch that the remote can never move.
    """

    can_retry = True

    def __init__(
        self, message: str, *, hint: str = "", branches: tuple[str, ...] = (), said: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.branches, self.said = branches, said


class StoreError(ImagebotError):
    """The store's file is damaged, foreign, newer than this imagebot, or in use by another."""


class StoreUnavailable(StoreError):
    """The store could not be read or written just now (disk full, busy); a later try can help."""

    can_retry = True
