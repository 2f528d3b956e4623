"""Say of each chart which image repository its versions are in, from the sources of all files.

Pure. A Flux HelmRelease names a HelmRepository; that object, in the same or another file, has
the URL. A chart in an OCI registry becomes a reference like any other; one in a classic chart
repository is nothing that a registry could be asked for. Where the name fits no source or several
that differ, nothing is guessed: only a marker, whose policy says the image, keeps the version.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from imagebot.errors import InvalidReference
from imagebot.image import ImageReference, join, parse, shortened
from imagebot.model import ChartSource, Occurrence, Problem, SourcedChart, SourceName

OCI = "oci://"


def resolve(
    occurrences: Iterable[Occurrence], sources: Iterable[ChartSource]
) -> tuple[tuple[Occurrence, ...], tuple[Problem, ...]]:
    """The occurrences with the references of their charts, without those that have none."""
    by_name: dict[str, list[ChartSource]] = {}
    for source in sources:
        by_name.setdefault(source.name.name, []).append(source)
    kept: list[Occurrence] = []
    problems: list[Problem] = []
    for occurrence in occurrences:
        if occurrence.sourced is None:
            kept.append(occurrence)
            continue
        reference = _reference(occurrence, occurrence.sourced, by_name)
        if isinstance(reference, ImageReference):
            kept.append(replace(occurrence, reference=reference))
        elif occurrence.marker is not None:
            kept.append(occurrence)
        elif reference is not None:
            problems.append(_unresolved(occurrence, occurrence.sourced, reference))
    return tuple(kept), tuple(problems)


def _reference(
    occurrence: Occurrence, chart: SourcedChart, by_name: Mapping[str, Sequence[ChartSource]]
) -> ImageReference | str | None:
    """The chart as a reference; why there is none; None where it is in no OCI registry."""
    urls = _urls(chart.source, by_name)
    if len(urls) != 1:
        several = "stands in it several times, with different URLs"
        return several if urls else "is not in this git repository"
    (url,) = urls
    if not url.startswith(OCI):
        return None
    try:
        name = f"{url.removeprefix(OCI)}/{chart.chart}"
        return parse(join(name, occurrence.tag, occurrence.digest))
    except InvalidReference:
        return f"names no registry: {shortened(url)!r}"


def _urls(name: SourceName, by_name: Mapping[str, Sequence[ChartSource]]) -> set[str]:
    """The URLs of what the name can mean. A namespace that one side leaves out fits every other.

    Kustomizations set namespaces in folders, so files often leave them out.
    """
    near = by_name.get(name.name, ())
    exact = [source for source in near if source.name == name and name.namespace]
    fitting = exact or [source for source in near if not (source.name.namespace and name.namespace)]
    return {source.url.rstrip("/") for source in fitting}


def _unresolved(occurrence: Occurrence, chart: SourcedChart, reason: str) -> Problem:
    return Problem(
        occurrence.file,
        occurrence.line,
        occurrence.column,
        f"the version of chart {chart.chart} is not followed: "
        f"HelmRepository {chart.source} {reason}",
        hint="where it is an OCI registry: put a marker on the version, and the chart's image "
        "repository into the marker's policy",
        address=occurrence.address,
        is_warning=True,
    )
