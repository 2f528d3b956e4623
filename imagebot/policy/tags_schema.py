"""The schema of `spec.tags`: which tags may be taken, and how they are ordered.

Pure. Keys that mean nothing with an order are refused with it, so that nobody believes they work.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from imagebot.document_words import found_words
from imagebot.documents import DocumentPart, checked, wrong
from imagebot.image import shortened
from imagebot.patterns import Pattern
from imagebot.policy.schema_texts import UNIQUE, LayoutText, PatternText, RangeText

MAX_EXTRACTS = 5

_ORDERS_BY_KEY: Mapping[str, tuple[str, ...]] = {
    "range": ("semver",),
    "allow": ("semver",),
    "coerce": ("semver",),
    "suffix": ("semver",),
    "layout": ("date",),
    "time": ("newest-build",),
    "filter": ("semver", "numeric", "date", "alphabetic", "newest-build"),
    "exclude": ("semver", "numeric", "date", "alphabetic", "newest-build"),
    "extract": ("semver", "numeric", "date", "alphabetic"),
}
_REQUIRED_UNLESS = {  # where `order` is not written it is semver
    orders: {} if "semver" in orders else {"required": ["order"]}
    for orders in _ORDERS_BY_KEY.values()
}


def _templates(value: Any) -> Any:
    """One template may stand without a list."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, tuple | list):
        raise wrong(f"found {found_words(value)}, allowed: a text such as $version, or a list")
    return value


_TEXT = {"type": "string"}
Templates = Annotated[
    tuple[str, ...],
    BeforeValidator(_templates),
    WithJsonSchema(
        {
            "anyOf": [
                _TEXT,
                {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": MAX_EXTRACTS},
            ]
        }
    ),
]


def _publish_which_order_has_what(schema: dict[str, Any]) -> None:
    """For editors: a key stands only with its orders, or says what holds without it anyway."""
    schema["allOf"] = [
        {
            "if": {"properties": {"order": {"enum": list(orders)}}, **_REQUIRED_UNLESS[orders]},
            "else": {"properties": {key: _neutral(schema["properties"][key])}},
        }
        for key, orders in _ORDERS_BY_KEY.items()
    ]


def _neutral(published: dict[str, Any]) -> Any:
    """What of a key may stand beside any order: its default, where that can be written."""
    default = published.get("default")
    return False if default is None else {"const": default}


class Tags(DocumentPart):
    """Which tags may be taken, and how they are ordered."""

    model_config = ConfigDict(json_schema_extra=_publish_which_order_has_what)

    not_yet: ClassVar[Mapping[str, str]] = {
        "prereleases": "name one in the range for now: '>=2.0.0-0'"
    }
    refused: ClassVar[Mapping[str, str]] = {
        "skip": "write it under spec, beside tags",
        "held": "write it under spec, beside tags",
        "cooldown": "write it under spec, beside tags",
    }

    order: Literal["semver", "numeric", "date", "alphabetic", "newest-build", "digest"] = Field(
        default="semver", description="How tags are ordered."
    )
    range: RangeText | None = Field(
        default=None,
        description="Versions allowed: '>=2.1 <3', '~1.4', '^2', '1.x || 2.x'. Order semver.",
        examples=[">=2.1 <3"],
    )
    filter: PatternText | None = Field(
        default=None,
        description="Regular expression (RE2), searched in the tag; lets tags in.",
        examples=["^v(?P<version>.+)-alpine$"],
    )
    extract: Templates | None = Field(
        default=None,
        description="What is ordered, from the filter's groups: '$version' or '$1'. Of a list the "
        "later ones break ties.",
        examples=["$version"],
    )
    exclude: Annotated[tuple[PatternText, ...], *UNIQUE] = Field(
        default=(),
        max_length=100,
        description="Regular expressions (RE2), searched in the tag; keep tags out.",
    )
    allow: Literal["major", "minor", "patch"] = Field(
        default="major",
        description="The highest step from the version in the file. Order semver.",
    )
    coerce: bool = Field(
        default=False,
        description="Versions of one and two parts count as three: 1.25 is 1.25.0. Order semver.",
    )
    suffix: Literal["keep", "newer"] = Field(
        default="keep",
        description="Whether numbers in the text behind the version may rise: -alpine3.20 to "
        "-alpine3.21. Order semver.",
    )
    layout: LayoutText | None = Field(
        default=None,
        description="Where the date stands in the tag or extract: '%Y%m%d'. Order date.",
        examples=["%Y%m%d"],
    )
    time: Literal["created", "first-seen"] = Field(
        default="created",
        description="Whose word is taken: the image's own, or imagebot's. Order newest-build.",
    )

    @field_validator("extract")
    @classmethod
    def _extract_fits_the_filter(
        cls, extract: tuple[str, ...] | None, rest: ValidationInfo
    ) -> tuple[str, ...] | None:
        if extract is None or "filter" not in rest.data:
            return extract
        pattern = rest.data["filter"]
        if pattern is None:
            raise wrong(
                "extract needs a filter", "write a filter with a group: '^v(?P<version>.+)$'"
            )
        if not 1 <= len(extract) <= MAX_EXTRACTS:
            raise wrong(f"found a list of {len(extract)}, allowed: 1 to {MAX_EXTRACTS}")
        for template in extract:
            if "$" not in template:
                hint = "write $version or ${version} for the filter's group (?P<version>...)"
                raise wrong(f"{shortened(template)!r} names no group of the filter", hint)
            checked(Pattern.compile(pattern).check_template, template)
        return extract

    @model_validator(mode="after")
    def _each_key_means_something_with_the_order(self) -> Self:
        for key, orders in _ORDERS_BY_KEY.items():
            is_default = getattr(self, key) == type(self).model_fields[key].default
            if not is_default and self.order not in orders:
                allowed = " and ".join(orders) if len(orders) < 3 else ", ".join(orders)
                raise wrong(
                    f"the order {self.order} has no {key}",
                    f"remove it; it goes with the order {allowed}",
                    key=key,
                )
        return self
