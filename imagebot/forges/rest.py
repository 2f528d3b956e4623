"""A forge's REST API without a library of its own: requests in JSON, pages, checked answers.

Network, on the guarded session of `transport`. Answers are read into pydantic models, so that one
of another shape is no answer. A refusal is told with what was being done (`asking`) and with what
a person can mend. Nothing is retried here.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urljoin

import requests
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from requests.auth import AuthBase

from imagebot.errors import ForgeError, ForgeUnavailable
from imagebot.forges.transport import ForgeSession, Refused, origin_of, shown
from imagebot.secret import Secret

MAX_LEVELS_READ = 10  # of a refusal's JSON, for what it says
MAX_EMPTY_PAGES = 10  # in a row; what the asker may not see leaves gaps, but not for ever

Item = TypeVar("Item")
Shape = TypeVar("Shape")


class Told(BaseModel):
    """What of an answer is read; the rest is passed over. Subclasses have the forge's own names."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Nothing(Told):
    """An answer of which nothing is read."""


class Bearer(AuthBase):
    """`Authorization: Bearer TOKEN`, or another scheme in the place of the first word."""

    def __init__(self, token: Secret, scheme: str = "Bearer") -> None:
        self._token = token
        self._scheme = scheme

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"{self._scheme} {self._token.reveal()}"
        return request


class Basic(AuthBase):
    """`Authorization: Basic`, in UTF-8 (RFC 7617)."""

    def __init__(self, username: str, password: Secret) -> None:
        self._username = username
        self._password = password

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        pair = (self._username.encode(), self._password.reveal().encode())
        token = base64.b64encode(b":".join(pair)).decode()
        request.headers["Authorization"] = f"Basic {token}"
        return request


class RestApi:
    """Asks one forge about one project. `forge` and `needs` are words for messages."""

    def __init__(
        self,
        forge: str,
        url: str,
        auth: AuthBase,
        *,
        project: str,
        needs: str,
        secret: Secret,
        timeout_seconds: float,
        ca_file: Path | None,
    ) -> None:
        self._forge = forge
        self._url = url.rstrip("/") + "/"
        self._project = project.rstrip("/")  # an owner's is `owner/`
        self._needs = needs
        self._secret = secret
        self._verify = str(ca_file) if ca_file else True
        self._session = ForgeSession(origin_of(url), timeout_seconds)
        self._session.auth = auth
        self._session.headers.update({"User-Agent": "imagebot", "Accept": "application/json"})

    def ask(
        self,
        method: str,
        path: str,
        shape: type[Shape],
        *,
        query: Mapping[str, Any] | None = None,
        document: object = None,
    ) -> Shape:
        """Send, and read the answer as `shape`. `path` may be an address in an earlier answer."""
        return self.ask_whole(method, path, shape, query=query, document=document)[0]

    def ask_whole(
        self,
        method: str,
        path: str,
        shape: type[Shape],
        *,
        query: Mapping[str, Any] | None = None,
        document: object = None,
    ) -> tuple[Shape, Mapping[str, str]]:
        """As `ask`, with the answer's headers."""
        response = self._session.request(
            method,
            urljoin(self._url, path),
            params=dict(query or {}),
            json=document,
            verify=self._verify,
        )
        if response.status_code >= 400:
            kinds = {403: Forbidden, 404: NotThere, 409: Conflict}
            raise kinds.get(response.status_code, _Refusal)(response)
        try:
            content = response.json() if response.content else {}
            if content is None:  # Gitea's for a thing of which there is nothing
                content = {}
            return _reader(shape).validate_python(content), response.headers
        except ValidationError as error:
            raise ForgeUnavailable(f"{self._forge}'s answer has not the shape it should") from error

    @contextmanager
    def asking(self, doing: str, needs: str = "") -> Iterator[None]:
        """Say what could not be done, where it failed inside the block.

        `needs`, where it takes another permission than the rest.
        """
        try:
            yield
        except _Refusal as error:
            raise self._translated(error, doing, needs) from error

    def _translated(self, error: "_Refusal", doing: str, needs: str) -> ForgeError:
        # Azure DevOps says so too of a scope that the token lacks.
        or_lacks = f", or lacks a scope: imagebot needs {needs}" if needs else ""
        needs = needs or self._needs
        hint = {
            401: f"the token is wrong, revoked or expired{or_lacks}",
            403: f"imagebot needs {needs}",
            404: f"it does not exist, or the token may not see it: imagebot needs {needs}",
        }.get(error.status, "")
        said = shown(error.said, error.sent, self._secret.reveal())
        return Refused(
            f"cannot {doing} of {self._project}: {self._forge} answered {error.status}: {said}",
            status=error.status,
            hint=hint,
        )


def items_of(pages: Iterable[Sequence[Item]]) -> Iterator[Item]:
    """What stands on the pages. Callers bound the items, so that only empty pages have no end."""
    empty_count = 0
    for page in pages:
        empty_count = 0 if page else empty_count + 1
        if empty_count > MAX_EMPTY_PAGES:
            raise ForgeUnavailable(f"more than {MAX_EMPTY_PAGES} pages in a row are empty")
        yield from page


class _Refusal(Exception):
    def __init__(self, response: requests.Response) -> None:
        super().__init__(response.status_code)
        self.status = response.status_code
        self.said = _words(response)
        self.whole = response.text[:10_000]
        # As it was sent, which for Basic is not the token itself.
        self.sent = str(response.request.headers.get("Authorization", "")).partition(" ")[2]


class Forbidden(_Refusal):
    """403, for callers who know more of it by the kind that `whole` names."""


class Conflict(_Refusal):
    """409, likewise. `whole` is the answer's text, which may name the kind of conflict."""


class NotThere(_Refusal):
    """404, for callers to whom that is an answer; else told like every refusal."""


_readers: dict[Any, TypeAdapter[Any]] = {}


def _reader(shape: type[Shape]) -> TypeAdapter[Shape]:
    """Made once for each shape, since that is slow."""
    if shape not in _readers:
        _readers[shape] = TypeAdapter(shape)
    return _readers[shape]


def _words(response: requests.Response) -> str:
    """What the forge says of its refusal, wherever its JSON has it."""
    try:
        document = response.json()
    except ValueError:
        return response.text[:1000]
    return "; ".join(dict.fromkeys(_messages(document))) or response.reason


def _messages(document: object, levels: int = MAX_LEVELS_READ) -> Iterator[str]:
    """Texts under `message`, `detail`, `fields`, ... of these forges' errors, outermost first."""
    if not levels:
        return
    if isinstance(document, str):
        yield document
    elif isinstance(document, list):
        for item in document[:20]:
            yield from _messages(item, levels - 1)
    elif isinstance(document, dict):
        for key in ("message", "detail", "errors", "error", "fields"):
            value = document.get(key)
            if key == "fields" and isinstance(value, dict):
                value = [f"{name}: {' '.join(_messages(words))}" for name, words in value.items()]
            if value:
                yield from _messages(value, levels - 1)
