"""The table of formats: what each is called, which documents it claims, and what reads them.

Pure. A format is one module beside this one and one entry here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from imagebot.formats import (
    argo_workflows,
    argocd,
    compose,
    devcontainer,
    dockerfile,
    embedded,
    fields,
    flux,
    github_actions,
    gitlab_ci,
    go_template,
    helm_chart,
    helm_values,
    helmfile,
    json_patch,
    json_tree,
    kubernetes,
    kustomize,
    marked_lines,
    markers,
    skaffold,
    tekton,
)
from imagebot.formats.files import Reader
from imagebot.formats.page import Page
from imagebot.model import Found
from imagebot.policy.fielding import FieldRule
from imagebot.yaml_nodes import Document, Reading, Section


@dataclass(frozen=True, slots=True)
class DocumentFormat:
    """One way of writing image references in a document."""

    name: str
    claims: Callable[[Page, Document], bool]
    read: Callable[[Page, Document], None]
    is_named_so: Callable[[str], bool] | None = None  # where `claims` looks at the file's path
    words: tuple[str, ...] = ()  # one of which stands in each such path, in small letters


@dataclass(frozen=True, slots=True)
class FileFormat:
    """One way of writing image references in a file that is not made of YAML documents."""

    name: str
    read: Callable[[Page], None]


@dataclass(frozen=True, slots=True)
class Embedding:
    """Documents in the text of another's values, which the formats of the table read."""

    name: str
    read: Callable[[Page, Document, embedded.ReadDocument, int], int]


@dataclass(frozen=True, slots=True)
class Syntax:
    """Another way of writing documents, which the formats of the table read as they read YAML."""

    name: str
    read: Callable[[bytes], Reading]


@dataclass(frozen=True, slots=True)
class Addressed:
    """Values that policies name by their addresses, laid over what the other formats found."""

    name: str
    lay: Callable[[Page, Sequence[Document], Found, Sequence[FieldRule]], fields.Laid]


@dataclass(frozen=True, slots=True)
class Overlay:
    """What stands in documents of every format, also in those that cannot be read."""

    name: str
    read: Callable[[Page, Section, Reading], None]


DOCUMENT_FORMATS = (  # the first that claims a document reads it
    DocumentFormat(compose.NAME, compose.claims, compose.read, compose.is_named_so, ("compose",)),
    DocumentFormat(
        gitlab_ci.NAME, gitlab_ci.claims, gitlab_ci.read, gitlab_ci.is_named_so, (".gitlab",)
    ),
    DocumentFormat(
        github_actions.NAME,
        github_actions.claims,
        github_actions.read,
        github_actions.is_named_so,
        ("/workflows/", "action."),
    ),
    DocumentFormat(
        helm_chart.NAME,
        helm_chart.claims,
        helm_chart.read,
        helm_chart.is_named_so,
        ("chart.", "requirements."),
    ),
    DocumentFormat(
        argocd.NAME, argocd.claims, argocd.read, argocd.is_named_so, (".argocd-source",)
    ),
    DocumentFormat(argo_workflows.NAME, argo_workflows.claims, argo_workflows.read),
    DocumentFormat(tekton.NAME, tekton.claims, tekton.read),
    DocumentFormat(skaffold.NAME, skaffold.claims, skaffold.read),
    DocumentFormat(
        helmfile.NAME, helmfile.claims, helmfile.read, helmfile.is_named_so, ("helmfile",)
    ),
    DocumentFormat(flux.NAME, flux.claims, flux.read),
    DocumentFormat(
        devcontainer.NAME,
        devcontainer.claims,
        devcontainer.read,
        devcontainer.is_named_so,
        ("devcontainer",),
    ),
    DocumentFormat(
        kustomize.NAME, kustomize.claims, kustomize.read, kustomize.is_named_so, ("kustomization",)
    ),
    DocumentFormat(json_patch.NAME, json_patch.claims, json_patch.read),
    DocumentFormat(kubernetes.NAME, kubernetes.claims, kubernetes.read),
    DocumentFormat(helm_values.NAME, helm_values.claims, helm_values.read),
)
OBJECT_FORMATS = tuple(  # whose objects may stand in one List with others
    entry
    for entry in DOCUMENT_FORMATS
    if entry.name in {argocd.NAME, argo_workflows.NAME, tekton.NAME, flux.NAME}
)
OVERLAYS = (Overlay(markers.NAME, markers.read),)
FIELDS = Addressed(fields.NAME, fields.lay)
JSON = Syntax(json_tree.NAME, json_tree.read)
LINES = FileFormat(marked_lines.NAME, marked_lines.read)  # over every file that is not YAML
EMBEDDING = Embedding(embedded.NAME, embedded.read)
FILE_FORMATS: Mapping[Reader, FileFormat] = MappingProxyType(
    {
        Reader.DOCKERFILE: FileFormat(dockerfile.NAME, dockerfile.read),
        Reader.TEMPLATE: FileFormat(go_template.NAME, go_template.read),
    }
)
_TABLE: tuple[DocumentFormat | FileFormat | Embedding | Syntax | Overlay | Addressed, ...] = (
    *DOCUMENT_FORMATS,
    EMBEDDING,
    *FILE_FORMATS.values(),
    JSON,
    LINES,
    *OVERLAYS,
    FIELDS,
)
FORMATS = MappingProxyType({entry.name: entry for entry in _TABLE})
_NAMED = tuple((entry.name, entry.is_named_so) for entry in DOCUMENT_FORMATS if entry.is_named_so)
_WORDS = tuple(word for entry in DOCUMENT_FORMATS for word in entry.words)


def names(file: str) -> str:
    """The formats that look for files of this name; there, other keys than usual hold images.

    Asked of every file of a survey, of which few have such a name: a look for words comes first.
    """
    small = file.casefold()
    for word in _WORDS:
        if word in small:
            return named_by(file)
    return ""


def named_by(file: str) -> str:
    """What `names` says, without a look for words."""
    return "+".join(name for name, is_named_so in _NAMED if is_named_so(file))
