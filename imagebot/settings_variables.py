"""The variables of the environment that are settings, and what each overrules in the file.

Pure: the environment is handed in.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from imagebot.document_words import near
from imagebot.image import shortened
from imagebot.model import Problem
from imagebot.settings_schema import SettingsDocument

VARIABLES: Mapping[str, str] = {
    "IMAGEBOT_SETTINGS": "the settings file, where --settings names none",
    "IMAGEBOT_DATA_DIR": "dataDir",
    "IMAGEBOT_STORE_URL": "store: its URL",
    "IMAGEBOT_INTERVAL": "interval",
    "IMAGEBOT_JITTER": "jitter",
    "IMAGEBOT_LISTEN": "listen",
    "IMAGEBOT_AUTHOR_NAME": "author.name",
    "IMAGEBOT_AUTHOR_EMAIL": "author.email",
    "IMAGEBOT_DOCKER_CONFIG": "dockerConfig",
    "IMAGEBOT_GITHUB_TOKEN": "token of GitHub repositories that name none",
    "IMAGEBOT_GITLAB_TOKEN": "token of GitLab projects that name none",
    "IMAGEBOT_GITEA_TOKEN": "token of Gitea repositories that name none",
    "IMAGEBOT_FORGEJO_TOKEN": "token of Forgejo repositories that name none",
    "IMAGEBOT_BITBUCKET_TOKEN": "token of Bitbucket Cloud repositories that name none",
    "IMAGEBOT_AZURE_DEVOPS_TOKEN": "token of Azure DevOps repositories that name none",
    "IMAGEBOT_BITBUCKET_SERVER_TOKEN": "token of Bitbucket Data Center repositories that name none",
}
"""Every variable that is read, and what it sets. They overrule the file."""


def token_variable(kind: str) -> str:
    """The variable that holds the token of all forges of one kind."""
    return f"IMAGEBOT_{kind.upper().replace('-', '_')}_TOKEN"


# Kubernetes puts these into every pod of a namespace that has a Service called imagebot-something.
_SERVICE_LINK = re.compile(
    r"IMAGEBOT_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?"
    r"|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)


def unknown_variables(environ: Mapping[str, str]) -> Iterator[Problem]:
    for name in sorted(environ):
        if not name.startswith("IMAGEBOT_") or name in VARIABLES or _SERVICE_LINK.fullmatch(name):
            continue
        message = f"unknown environment variable {shortened(name)}"
        yield Problem("", 0, 0, message, near(name, VARIABLES), address=name)


def named_variables(document: SettingsDocument) -> set[str]:
    names = [each.forge.token_env for each in document.repositories]
    names += [each.git.password_env for each in document.repositories]
    names += [each.password_env for each in document.registries]
    names += [each.secret_env for each in document.hooks]
    names += [each.previous_secret_env for each in document.hooks]
    names += [each.url_env for each in document.notifications]
    return {name for name in names if name}


def overruled(
    document: SettingsDocument, environ: Mapping[str, str], problems: list[Problem]
) -> SettingsDocument:
    """The document with what the environment sets. Each variable is checked like its key."""
    for name, key in VARIABLES.items():
        written = environ.get(name)
        first, _, second = key.partition(".")
        if not written or first not in SettingsDocument.known_keys():
            continue
        value: Any = _number(written) if key == "jitter" else written
        entry: dict[str, Any] = {first: {second: value} if second else value}
        try:
            checked = SettingsDocument.model_validate(
                {"apiVersion": "imagebot.dev/v1alpha1", "kind": "Settings", **entry}
            )
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            context = detail.get("ctx", {})
            message = str(context.get("message", detail["msg"]))
            hint = str(context.get("hint", ""))
            problems.append(Problem("", 0, 0, message, hint, address=name))
            continue
        document = _with(document, checked, first, second)
    return document


def _with(
    document: SettingsDocument, other: SettingsDocument, key: str, inner: str
) -> SettingsDocument:
    member = next(name for name, at in SettingsDocument.model_fields.items() if at.alias == key)
    new = getattr(other, member)
    if inner:
        new = getattr(document, member).model_copy(update={inner: getattr(new, inner)})
    return document.model_copy(update={member: new})


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
