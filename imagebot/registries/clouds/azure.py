"""Azure Container Registry by Microsoft Entra workload identity or a managed identity.

azure-identity finds the identity and asks for an access token; the registry exchanges it for a
refresh token of its own at `/oauth2/exchange` (Azure/acr, "AAD-OAuth"), which is what docker
calls an identity token and the session already knows how to use. It holds for about three hours.
"""

import json
import os
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

import jwt

from imagebot.errors import RegistryError, RegistryUnavailable
from imagebot.registries.accounts import IDENTITY_TOKEN_USER, BasicCredentials
from imagebot.registries.clouds.issuing import Exchange, Issued, no_library, refusal
from imagebot.secret import Secret

_HOSTS = ("*.azurecr.io", "*.azurecr.cn", "*.azurecr.us")
_SCOPE = "https://containerregistry.azure.net/.default"
_DEFAULT_SECONDS = 3600.0
_HINT = (
    "label the pod azure.workload.identity/use, annotate the service account with"
    " azure.workload.identity/client-id, and give that identity AcrPull"
)


def serves(host: str) -> bool:
    return any(fnmatchcase(host, pattern) for pattern in _HOSTS)


def issue(host: str, exchange: Exchange) -> Issued:
    """Raises RegistryError."""
    access = _access_token(host)
    form = {"grant_type": "access_token", "service": host, "access_token": access}
    try:
        answer = exchange("/oauth2/exchange", form)
    except RegistryUnavailable:
        raise
    except RegistryError as error:
        raise refusal("Azure", host, error, _HINT, is_passing=False) from None
    try:
        refresh = json.loads(answer)["refresh_token"]
    except (ValueError, KeyError, TypeError, RecursionError):
        refresh = None
    if not isinstance(refresh, str) or not refresh:
        wrong = ValueError("the registry did not answer with a refresh token")
        raise refusal("Azure", host, wrong, "", is_passing=False) from None
    credentials = BasicCredentials(IDENTITY_TOKEN_USER, Secret(refresh), "the identity from Azure")
    return Issued(credentials, _seconds_left(refresh))


def _access_token(host: str) -> str:
    try:
        from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError
        from azure.identity import ManagedIdentityCredential, WorkloadIdentityCredential
    except ImportError:
        raise no_library("azure", host) from None
    bounds: dict[str, Any] = {"connection_timeout": 5, "read_timeout": 10, "retry_total": 1}
    is_federated = bool(os.environ.get("AZURE_FEDERATED_TOKEN_FILE"))
    try:
        if is_federated:
            # A host of one's own is no public cloud's, so the public one cannot vouch for it.
            is_own = bool(os.environ.get("AZURE_AUTHORITY_HOST"))
            identity: Any = WorkloadIdentityCredential(disable_instance_discovery=is_own, **bounds)
        else:
            client_id = os.environ.get("AZURE_CLIENT_ID") or None
            identity = ManagedIdentityCredential(client_id=client_id, **bounds)
        with identity:
            return str(identity.get_token(_SCOPE).token)
    except (AzureError, ValueError) as error:
        is_passing = isinstance(error, ServiceRequestError | ServiceResponseError)
        raise refusal("Azure", host, error, _HINT, is_passing=is_passing) from None


def _seconds_left(refresh: str) -> float:
    """By the token's own words, which nobody has to believe: a wrong time costs a request."""
    try:
        expires = float(jwt.decode(refresh, options={"verify_signature": False})["exp"])
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        return _DEFAULT_SECONDS
    return expires - datetime.now(UTC).timestamp()
