"""Who imagebot is at a forge: a token, or a GitHub App that trades its key for short tokens.

Pure values; only `github.py` opens the secrets.
"""

from dataclasses import dataclass

from imagebot.secret import Secret


@dataclass(frozen=True, slots=True)
class TokenCredentials:
    """A personal access token (fine-grained or classic), or any other bearer token."""

    token: Secret


@dataclass(frozen=True, slots=True)
class AppCredentials:
    """A GitHub App. `installation_id` None: the App is asked which installation has the project.

    `private_key` is the PEM text that GitHub handed out for the App.
    """

    app_id: str
    private_key: Secret
    installation_id: int | None = None
