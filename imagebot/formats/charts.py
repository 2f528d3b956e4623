"""A Helm chart's version in an OCI registry: what the formats that name charts have in common.

Pure. A chart is an artifact beside the images, and its version a tag in which `+` is written as
`_`. A version that leaves the choice to another tool (`^1.2`, `1.x`, `*`) is nothing to update.
"""

import re
from collections.abc import Mapping

from imagebot.errors import InvalidReference
from imagebot.formats.known_places import Layout
from imagebot.formats.page import Page
from imagebot.formats.sighting import (
    Piece,
    add,
    is_templated,
    read_reference,
    report_templated,
    value_of,
)
from imagebot.formats.walk import Path
from imagebot.image import Digest, is_tag, join
from imagebot.model import Part, SourcedChart
from imagebot.version import parse
from imagebot.yaml_nodes import Document, Node, Scalar

OCI = "oci://"
_ALIAS = ("@", "alias:")  # of a repository that `helm repo add` gave a name
_WILDCARD = re.compile(r"v?(?:[0-9]+\.)*[xX](?:\.[0-9xX]+)*")


def behind_oci(url: Scalar) -> Piece | None:
    """The name in `oci://ghcr.io/acme/charts/`, None where the URL has another scheme."""
    text = url.text.strip()
    name = text.removeprefix(OCI).rstrip("/")
    return Piece.of(url, name) if text.startswith(OCI) and name else None


def piece_text(piece: Piece) -> str:
    return piece.scalar.text.strip()[piece.start : piece.end]


def add_chart_version(
    page: Page,
    document: Document,
    path: Path,
    format_name: str,
    version: Scalar,
    *,
    name: str = "",
    sourced: SourcedChart | None = None,
    anchored: tuple[int, ...] = (),
) -> None:
    """Record the version of a chart whose repository is `name`, or is told by another document.

    Helm writes `1.2.3+build` and pulls the tag `1.2.3_build`, both ways for each `+` and `_`
    (helm.sh/docs/topics/registries); so do Flux and Argo CD for charts.
    """
    text = value_of(version)
    if is_templated(text + name):
        report_templated(page, document, version, path)
        return
    if "_" in text and is_version(text.replace("_", "+")):
        page.report(
            document.byte_offset(version.start),
            f"{text[:60]!r} is the tag of a chart, and no version of it",
            hint=f"write {text.replace('_', '+')[:60]!r}: Helm makes the tag of it",
            address=str(path),
        )
        return
    tag = text.replace("+", "_")
    if not is_version(text) or not is_tag(tag):
        return
    try:
        reference = read_reference(join(name, tag, None)) if name else None
    except InvalidReference as error:
        offset = document.byte_offset(version.start)
        page.report(offset, str(error), hint=error.hint, address=str(path))
        return
    parts = {Part.CHART_VERSION: version}
    add(
        page, document, path, format_name, parts, reference, (tag, None), anchored, sourced=sourced
    )  # fmt: skip


def add_listed_chart(
    layout: Layout,
    item: Node,
    path: Path | None,
    format_name: str,
    *,
    url_key: str,
    name_key: str = "name",
    version_key: str = "version",
) -> None:
    """Record the `version` of a chart that a mapping names with its registry."""
    url, chart = (layout.text(layout.at(item, key)) for key in (url_key, name_key))
    version = layout.at(item, version_key)
    if url.startswith(_ALIAS) and chart and isinstance(version, Scalar):
        layout.page.report(
            layout.document.byte_offset(version.start),
            f"the chart {chart[:60]!r} comes from {url[:60]!r}, a name in Helm's own settings",
            hint="write the registry itself (oci://...), or put a marker on the version",
            address=str(Path(path, version_key)),
        )
    if url.startswith(OCI) and chart and isinstance(version, Scalar):
        add_chart_version(
            layout.page,
            layout.document,
            Path(path, version_key),
            format_name,
            version,
            name=f"{url.removeprefix(OCI).rstrip('/')}/{chart}",
            anchored=layout.anchored(version),
        )


def add_artifact(
    page: Page,
    document: Document,
    path: Path,
    format_name: str,
    url: Piece,
    version: Mapping[Part, Scalar],
    anchored: tuple[int, ...] = (),
) -> None:
    """Record an artifact of which the whole repository is written behind `oci://`."""
    texts = {part: value_of(scalar) for part, scalar in version.items()}
    if is_templated(piece_text(url) + "".join(texts.values())):
        report_templated(page, document, url.scalar, path)
        return
    tag = texts.get(Part.TAG_ALONE) or texts.get(Part.CHART_VERSION, "").replace("+", "_")
    try:
        digest = Digest(texts[Part.DIGEST]) if texts.get(Part.DIGEST) else None
        reference = read_reference(join(piece_text(url), tag, digest))
    except InvalidReference as error:
        offset = document.byte_offset(url.scalar.start)
        page.report(offset, str(error), hint=error.hint, address=str(path))
        return
    parts: dict[Part, Scalar | Piece] = {Part.NAME: url, **version}
    add(
        page, document, path, format_name, parts, reference, (tag or None, digest), anchored
    )  # fmt: skip


def is_version(text: str) -> bool:
    """Whether a version is whole: `1.2` and `1.x` are ranges to Helm."""
    return parse(text) is not None


def is_revision(text: str) -> bool:
    """Whether a revision names one tag, be it a version or a word: `v1.0`, but not `1.x`."""
    return is_tag(text) and not _WILDCARD.fullmatch(text)
