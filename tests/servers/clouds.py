"""The token exchanges of three clouds, as small servers of what each documents.

Each knows one identity, and refuses everybody else. `issued` counts what it handed out. They are
told apart from the real ones by addresses alone, which the clouds' libraries read from variables.
"""

import base64
import json
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs

import jwt

from imagebot.demo.registry import EmbeddedRegistry, Request, Response
from tests.servers.docker_registry import Certificates

_SIGNING_KEY = "a key for tokens that nobody verifies, long enough for HMAC"


def _json(status: int, document: object) -> Response:
    return Response(status, {"Content-Type": "application/json"}, json.dumps(document).encode())


def _header(request: Request, name: str) -> str:
    return {key.lower(): value for key, value in request.headers.items()}.get(name, "")


def _form(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


class Aws(EmbeddedRegistry):
    """STS AssumeRoleWithWebIdentity, the Pod Identity agent, ECR GetAuthorizationToken."""

    def __init__(self, password: str, *, web_identity: str, pod_token: str) -> None:
        super().__init__()
        self.password, self.web_identity, self.pod_token = password, web_identity, pod_token
        self.issued = 0
        self.refuses = ""  # the code of an error that ECR answers with
        self.lifetime_seconds = 12 * 3600

    def handle(self, request: Request) -> Response:
        if request.path == "/pod-identity":
            is_ours = _header(request, "authorization") == self.pod_token
            return self._pod_credentials() if is_ours else _json(401, {"message": "who are you?"})
        if _header(request, "x-amz-target").endswith(".GetAuthorizationToken"):
            return self._ecr(request)
        return self._sts(_form(request))

    def _pod_credentials(self) -> Response:
        keys = {"AccessKeyId": "AKIDPOD", "SecretAccessKey": "podsecret", "Token": "podsession"}
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        return _json(200, keys | {"Expiration": expires})

    def _sts(self, form: Mapping[str, str]) -> Response:
        if form.get("WebIdentityToken") != self.web_identity:
            code = "<Code>InvalidIdentityToken</Code><Message>no such provider</Message>"
            body = f"<ErrorResponse><Error>{code}</Error></ErrorResponse>"
            return Response(400, {"Content-Type": "text/xml"}, body.encode())
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        body = (
            "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
            "<AccessKeyId>AKIDIRSA</AccessKeyId><SecretAccessKey>irsasecret</SecretAccessKey>"
            f"<SessionToken>irsasession</SessionToken><Expiration>{expires}</Expiration>"
            "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
        )
        return Response(200, {"Content-Type": "text/xml"}, body.encode())

    def _ecr(self, request: Request) -> Response:
        proof = _header(request, "authorization")
        if "Credential=AKIDPOD/" not in proof and "Credential=AKIDIRSA/" not in proof:
            return _json(400, {"__type": "UnrecognizedClientException", "message": "bad token"})
        if self.refuses:
            said = "role is not authorized to perform ecr:GetAuthorizationToken"
            return _json(400, {"__type": self.refuses, "message": said})
        self.issued += 1
        token = base64.b64encode(f"AWS:{self.password}".encode()).decode()
        entry = {"authorizationToken": token, "expiresAt": time.time() + self.lifetime_seconds}
        return _json(200, {"authorizationData": [entry]})


class GoogleMetadata(EmbeddedRegistry):
    """The metadata server that GKE's workload identity answers for."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token, self.issued, self.is_bound = token, 0, True

    def handle(self, request: Request) -> Response:
        headers = {"Metadata-Flavor": "Google", "Content-Type": "application/json"}
        if _header(request, "metadata-flavor") != "Google":
            return Response(403, headers, b"Missing Metadata-Flavor:Google header.")
        accounts = "/computeMetadata/v1/instance/service-accounts/"
        if not request.path.startswith(accounts):
            is_project = request.path.endswith("/project-id")
            return Response(200, headers | {"Content-Type": "text/plain"}, b"p" * is_project)
        if not self.is_bound:
            return Response(404, headers, b"no service account is bound")
        if request.path.endswith("/token"):
            self.issued += 1
            document = {"access_token": self.token, "expires_in": 3599, "token_type": "Bearer"}
        else:
            document = {"email": "bot@p.iam.gserviceaccount.com", "scopes": [], "aliases": []}
        return Response(200, headers, json.dumps(document).encode())


class Entra(EmbeddedRegistry):
    """Microsoft's token endpoint for federated tokens, by TLS, which the library insists on."""

    def __init__(self, folder: Path, federated: str, access: str) -> None:
        super().__init__()
        self.federated, self.access, self.issued = federated, access, 0
        certificates = Certificates.made(folder)
        self.ca_file = certificates.ca
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.leaf, certificates.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def handle(self, request: Request) -> Response:
        root = f"https://{self.host}/tenant"
        if request.path.endswith("/.well-known/openid-configuration"):
            document = {
                "issuer": f"{root}/v2.0",
                "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                "token_endpoint": f"{root}/oauth2/v2.0/token",
            }
            return _json(200, document)
        form = _form(request)
        if form.get("client_assertion") != self.federated or form.get("client_id") != "client":
            said = "AADSTS700213: No matching federated identity record found"
            return _json(401, {"error": "invalid_client", "error_description": said})
        self.issued += 1
        granted = {"access_token": self.access, "expires_in": 3600, "token_type": "Bearer"}
        return _json(200, granted)


class AzureRegistry(EmbeddedRegistry):
    """A registry that takes tokens of its own, which it gives for those of Microsoft Entra."""

    def __init__(self, access: str) -> None:
        super().__init__()
        self.access, self.exchanged = access, 0
        self.refresh = jwt.encode({"exp": time.time() + 3 * 3600}, _SIGNING_KEY)

    def handle(self, request: Request) -> Response:
        if request.path == "/oauth2/exchange":
            return self._exchange(_form(request))
        if request.path == "/oauth2/token":
            is_ours = _form(request).get("refresh_token") == self.refresh
            return _json(200, {"access_token": "let-me-in"}) if is_ours else _json(401, {})
        if _header(request, "authorization") != "Bearer let-me-in":
            where = f'Bearer realm="http://{self.host}/oauth2/token",service="{self.host}"'
            return Response(401, {"WWW-Authenticate": where})
        return super().handle(request)

    def _exchange(self, form: Mapping[str, str]) -> Response:
        wanted = {"grant_type": "access_token", "service": self.host, "access_token": self.access}
        if form != wanted:
            return _json(401, {"errors": [{"code": "UNAUTHORIZED"}]})
        self.exchanged += 1
        return _json(200, {"refresh_token": self.refresh})
