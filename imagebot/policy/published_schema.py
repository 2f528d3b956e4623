"""The JSON Schema of policy documents, of either kind, for editors.

Pure. Made from the types that read them.
"""

from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from imagebot.policy.repository_schema import RepositoryPolicy
from imagebot.policy.schema import ImagePolicy

_KINDS: TypeAdapter[Any] = TypeAdapter(
    Annotated[ImagePolicy | RepositoryPolicy, Field(discriminator="kind")]
)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12): one of the kinds, told apart by `kind`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://imagebot.dev/schemas/v1alpha1/policy.json",
        **_KINDS.json_schema(by_alias=True),
    }
