"""The CustomResourceDefinitions of the policy kinds, made from the types that read them.

They are inert: no controller watches them. They are there so that a reconciler may apply policies
with the rest of a folder, and so that `kubectl explain imagepolicy.spec` works.
"""

from typing import Any

from imagebot.policy import published_schema
from tests.shipped.plain_schema import resolved, shippable, structural

GROUP, VERSION = "imagebot.dev", "v1alpha1"
PLURALS = {"ImagePolicy": "imagepolicies", "RepositoryPolicy": "repositorypolicies"}


def definitions() -> dict[str, dict[str, Any]]:
    """By kind."""
    published = published_schema.json_schema()
    named = published["$defs"]
    kinds = [choice["$ref"].rpartition("/")[2] for choice in published["oneOf"]]
    return {kind: _definition(kind, shippable(resolved(named[kind], named))) for kind in kinds}


def _definition(kind: str, document: dict[str, Any]) -> dict[str, Any]:
    schema = structural(document)
    # Kubernetes describes these itself; of `metadata` a CRD may say the name's form only.
    schema["properties"] |= {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
    }
    schema["required"] = ["spec"]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURALS[kind]}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": PLURALS[kind],
                "singular": kind.lower(),
                "categories": ["imagebot"],
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                }
            ],
        },
    }
