"""Amazon ECR by the identity that AWS gives the pod: IRSA, EKS Pod Identity, instance profile.

botocore finds the identity (AWS SDKs reference, "Standardized credential providers") and asks
ECR's GetAuthorizationToken for a user name and password, which hold for twelve hours.
"""

import base64
import os
import re
from datetime import UTC, datetime
from typing import Any

from imagebot.registries.accounts import BasicCredentials
from imagebot.registries.clouds.issuing import Exchange, Issued, no_library, refusal
from imagebot.secret import Secret

PUBLIC_HOST = "public.ecr.aws"
_PUBLIC_REGION = "us-east-1"  # the only one that issues tokens for the public registry
_HOST = re.compile(
    r"[0-9]{12}\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws)",
    re.ASCII,
)
_HINT = (
    "annotate the service account with eks.amazonaws.com/role-arn, or associate a pod identity;"
    " the role needs ecr:GetAuthorizationToken, ecr:BatchGetImage and ecr:ListImages"
)


def serves(host: str) -> bool:
    return host == PUBLIC_HOST or bool(_HOST.fullmatch(host))


def region_of(host: str, fallback: str = "") -> str:
    """The region whose ECR issues tokens for a host; `fallback` where the host names none."""
    if host == PUBLIC_HOST:
        return _PUBLIC_REGION
    found = _HOST.fullmatch(host)
    return found["region"] if found else fallback


def issue(host: str, exchange: Exchange) -> Issued:
    """Raises RegistryError."""
    try:
        from botocore.config import Config
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            ConnectionError,  # noqa: A004 - botocore's
            HTTPClientError,
        )
        from botocore.session import Session
    except ImportError:
        raise no_library("aws", host) from None
    region = region_of(host, os.environ.get("AWS_REGION", ""))
    bounds = Config(
        connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2}
    )
    service = "ecr-public" if host == PUBLIC_HOST else "ecr"
    try:
        client = Session().create_client(service, region_name=region or None, config=bounds)
        answer = client.get_authorization_token()
    except (BotoCoreError, ClientError) as error:
        is_unreachable = isinstance(error, HTTPClientError | ConnectionError)
        is_passing = is_unreachable or _is_server_trouble(error)
        raise refusal("AWS", host, error, _HINT, is_passing=is_passing) from None
    return _issued(answer, host)


def _is_server_trouble(error: Exception) -> bool:
    answer = getattr(error, "response", None) or {}
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return bool(status >= 500 or status == 429)


def _issued(answer: Any, host: str) -> Issued:
    data = answer.get("authorizationData") or {}
    entry = data[0] if isinstance(data, list) else data
    try:
        pair = base64.b64decode(entry["authorizationToken"], validate=True).decode()
        expires_at: datetime = entry["expiresAt"]
    except (KeyError, ValueError, TypeError):
        wrong = ValueError("ECR did not answer with an authorization token")
        raise refusal("AWS", host, wrong, "", is_passing=False) from None
    username, _, password = pair.partition(":")
    credentials = BasicCredentials(username, Secret(password), "the identity from AWS")
    return Issued(credentials, (expires_at - datetime.now(UTC)).total_seconds())
