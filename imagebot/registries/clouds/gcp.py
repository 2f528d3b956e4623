"""Google Artifact Registry and Container Registry by GKE workload identity, or a federated one.

google-auth finds the identity (Application Default Credentials) and asks for an access token,
which the registry takes as the password of `oauth2accesstoken` (Artifact Registry documentation,
"Configure authentication to Artifact Registry for Docker"). It holds for about an hour.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from imagebot.registries.accounts import BasicCredentials
from imagebot.registries.clouds.issuing import Exchange, Issued, no_library, refusal
from imagebot.secret import Secret

_SCOPE = "https://www.googleapis.com/auth/cloud-platform.read-only"
_DEFAULT_SECONDS = 300.0
_TIMEOUT_SECONDS = 10
_HINT = (
    "bind the Kubernetes service account to one of Google Cloud that has"
    " roles/artifactregistry.reader (GKE: iam.gke.io/gcp-service-account)"
)


def serves(host: str) -> bool:
    return host == "gcr.io" or host.endswith((".gcr.io", "-docker.pkg.dev"))


def issue(host: str, exchange: Exchange) -> Issued:
    """Raises RegistryError."""
    try:
        import google.auth
        from google.auth.exceptions import GoogleAuthError, TransportError
        from google.auth.transport.requests import Request
    except ImportError:
        raise no_library("gcp", host) from None
    bounded = partial(Request(), timeout=_TIMEOUT_SECONDS)
    try:
        identity: Any = google.auth.default(scopes=[_SCOPE])[0]
        identity.refresh(bounded)
    except GoogleAuthError as error:
        is_passing = isinstance(error, TransportError) or bool(getattr(error, "retryable", False))
        raise refusal("Google Cloud", host, error, _HINT, is_passing=is_passing) from None
    credentials = BasicCredentials(
        "oauth2accesstoken", Secret(identity.token), "the identity from Google Cloud"
    )
    return Issued(credentials, _seconds_left(identity.expiry))


def _seconds_left(expiry: datetime | None) -> float:
    """google-auth's times are of UTC without a zone."""
    if expiry is None:
        return _DEFAULT_SECONDS
    return (expiry.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()
