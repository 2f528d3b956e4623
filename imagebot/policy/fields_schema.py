"""The schema of a policy's `fields`: where a value stands, and which part of an image it is.

Pure. See `imagebot/field_paths.py` for the addresses.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from imagebot import field_paths
from imagebot.documents import DocumentPart, checked, wrong
from imagebot.image import parse_name


def _check_path(text: str) -> str:
    checked(field_paths.parse, text)
    return text


def _check_image(text: str) -> str:
    checked(parse_name, text)
    return text


class FieldPart(DocumentPart):
    """A value that no format knows, or that the policy knows better."""

    path: Annotated[str, AfterValidator(_check_path)] = Field(
        description="Where the value stands in a document: spec.engine.version, "
        "env[?name=='IMAGE'].value.",
        examples=["spec.engine.version"],
    )
    part: Literal["reference", "name", "tag", "digest"] = Field(
        default="reference", description="What of an image stands there."
    )
    image: Annotated[str, AfterValidator(_check_image)] | None = Field(
        default=None,
        description="The image of a tag or digest; without, the one under images, or the name "
        "that another field finds in the same mapping.",
    )
    kind: str | None = Field(
        default=None, min_length=1, max_length=100, description="Only in documents of this kind."
    )

    @model_validator(mode="after")
    def _image_is_needed(self) -> Any:
        if self.image is not None and self.part in ("reference", "name"):
            raise wrong(
                f"a {self.part} says its image itself",
                "remove the image, or say part: tag",
                key="image",
            )
        return self
