"""Kubernetes objects against the schemas of their kinds.

Kubernetes' own kinds by kubernetes-validate, with the oldest release that the chart takes and the
newest that it knows. The kinds of others (Prometheus operator, Flux, Argo CD, External Secrets) by
validators that npm's `@kubernetes-models/*` were compiled to from their CustomResourceDefinitions.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from tests.servers import fetched
from tests.shipped.tools import missing

OLDEST = "1.25"
_PACKAGES = {
    "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
    "external-secrets.io": "@kubernetes-models/external-secrets",
    "argoproj.io": "@kubernetes-models/argo-cd",
    "source.toolkit.fluxcd.io": "@kubernetes-models/flux-cd",
    "kustomize.toolkit.fluxcd.io": "@kubernetes-models/flux-cd",
    "helm.toolkit.fluxcd.io": "@kubernetes-models/flux-cd",
    "notification.toolkit.fluxcd.io": "@kubernetes-models/flux-cd",
}
_VERSIONS = {
    "@kubernetes-models/prometheus-operator": "6.0.0",
    "@kubernetes-models/external-secrets": "2.0.0",
    "@kubernetes-models/argo-cd": "4.0.0",
    "@kubernetes-models/flux-cd": "4.0.0",
}
# Prints, for each document of standard input, what is wrong with it, or null.
_CHECK = """
const documents = JSON.parse(require("fs").readFileSync(0));
Promise.all(documents.map(async ([path, document]) => {
  const kind = (await import(path))[document.kind];
  try { new kind(document).validate(); return null } catch (error) { return error.message }
})).then((found) => console.log(JSON.stringify(found)));
"""


def problems(documents: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is wrong with the documents, with kind and name. Skips where a schema is missing."""
    foreign = [document for document in documents if _group(document) in _PACKAGES]
    own = [document for document in documents if _group(document) not in _PACKAGES]
    return [*_of_kubernetes(own), *(_of_others(foreign) if foreign else ())]


def _group(document: Mapping[str, Any]) -> str:
    return str(document["apiVersion"]).partition("/")[0]


def _named(document: Mapping[str, Any]) -> str:
    return f"{document['kind']} {document['metadata']['name']}"


def _of_kubernetes(documents: Sequence[Mapping[str, Any]]) -> list[str]:
    try:
        import kubernetes_validate as validator
    except ImportError:
        missing("kubernetes-validate is not installed; it comes with the extra `deploy`")
    found = []
    for version in (OLDEST, validator.latest_version()):
        for document in documents:
            try:
                validator.validate(document, version, strict=True)
            except validator.ValidationError as error:
                path = ".".join(map(str, error.path))
                found.append(f"{_named(document)}, Kubernetes {version}: {path}: {error.message}")
            except validator.SchemaNotFoundError as error:
                found.append(f"{_named(document)}: {error.message}")
    return found


def _of_others(documents: Sequence[Mapping[str, Any]]) -> list[str]:
    packages = [f"{name}@{version}" for name, version in sorted(_VERSIONS.items())]
    try:
        modules = fetched.npm("kubernetes-models-1", *packages)
    except fetched.NotAvailable as reason:
        missing(str(reason))
    asked = [
        (f"{modules}/{_PACKAGES[_group(document)]}/{document['apiVersion']}/index.js", document)
        for document in documents
    ]
    done = subprocess.run(
        ["node", "-e", _CHECK],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers = json.loads(done.stdout)
    pairs = zip(documents, answers, strict=True)
    return [f"{_named(document)}: {answer}" for document, answer in pairs if answer]
