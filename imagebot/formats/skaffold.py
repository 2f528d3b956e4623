"""Skaffold: what a `skaffold.yaml` deploys, verifies and builds upon, but not what it builds.

Pure. Helm values of releases are set one by one (`setValues`) or inline (`overrides`). The names
under `build.artifacts` and `test` are those of images that are made here, so they are left alone,
as are artifacts that a release gets by name; values that Skaffold fills in are reported. Of what a
build gets, images are what it caches from, and arguments whose names say so.
"""

import re
from collections.abc import Iterator

from imagebot.errors import InvalidReference
from imagebot.formats.charts import OCI, add_chart_version
from imagebot.formats.images import find_images
from imagebot.formats.known_places import Layout
from imagebot.formats.page import Page
from imagebot.formats.parameters import Parameter, add_parameters
from imagebot.formats.sighting import read_reference
from imagebot.formats.walk import Path, below, resolved, top_level
from imagebot.yaml_nodes import Collection, Document, Node, Scalar

NAME = "skaffold"
_BASES = (  # of an artifact: what its builder pulls
    *(("kaniko", "image"), ("kaniko", "initImage"), ("jib", "fromImage"), ("ko", "fromImage")),
    *(("buildpacks", "builder"), ("buildpacks", "runImage")),
)
_BUILT_BY_PATCH = re.compile(r"\A/(?:build/artifacts|test)/[^/]+/image\Z")
_SET = ("setValues", "setValueTemplates")


def claims(page: Page, document: Document) -> bool:
    return top_level(document, "apiVersion").startswith("skaffold/")


def read(page: Page, document: Document) -> None:
    layout = Layout(page, document, NAME)
    _config(layout, document.root, None)
    profiles = layout.at(document.root, "profiles")
    for profile, path in layout.items(profiles, Path(None, "profiles")):
        _config(layout, profile, path)
        _patches(layout, profile, path)
    find_images(page, document, NAME, is_kubernetes=False, is_read=_is_inline)


def _patches(layout: Layout, profile: Node, path: Path) -> None:
    """Tell of images that patches of the configuration set: some are built, and some pulled."""
    for patch, at in layout.items(layout.at(profile, "patches"), Path(path, "patches")):
        if not _BUILT_BY_PATCH.search(layout.text(layout.at(patch, "path"))):
            layout.tell_where_versioned(layout.at(patch, "value"), Path(at, "value"))


def _is_inline(path: Path | None) -> bool:
    """Whether a mapping belongs to the values that a release has inline."""
    return path is not None and "overrides" in path.steps()


def _config(layout: Layout, config: Node, path: Path | None) -> None:
    """Read a configuration: the file's own, or that of a profile."""
    built = _built(layout, config)
    for stage in ("manifests", "deploy"):
        place = below(path, stage, "helm", "releases")
        for release, at in layout.items(layout.at(config, stage, "helm", "releases"), place):
            _release(layout, release, at, built)
    _run(layout, config, path, built)
    place = below(path, "build", "artifacts")
    for artifact, at in layout.items(layout.at(config, "build", "artifacts"), place):
        for keys in _BASES:
            layout.image(layout.at(artifact, *keys), below(at, *keys))
        _build_inputs(layout, artifact, at, built)
    cloud = layout.at(config, "build", "googleCloudBuild")
    for value, at in layout.members(cloud, below(path, "build", "googleCloudBuild")):
        if isinstance(at.step, str) and at.step.endswith("Image"):
            layout.image(value, at)


def _build_inputs(layout: Layout, artifact: Node, path: Path, built: frozenset[str]) -> None:
    """Read what a Dockerfile's build pulls besides what the Dockerfile itself says."""
    sources = layout.at(artifact, "docker", "cacheFrom")
    for source, at in layout.items(sources, below(path, "docker", "cacheFrom")):
        if not _is_built(layout, source, built):
            layout.image_where_versioned(source, at)
    for builder in ("docker", "kaniko"):
        place = below(path, builder, "buildArgs")
        for value, at in layout.members(layout.at(artifact, builder, "buildArgs"), place):
            if _is_built(layout, value, built):
                continue
            if str(at.step).lower().endswith("image"):
                layout.image_where_versioned(value, at)
            else:
                layout.tell_where_versioned(value, at)


def _is_built(layout: Layout, node: Node, built: frozenset[str]) -> bool:
    """Whether an image is made here, whatever tag it has."""
    try:
        name = read_reference(layout.text(node)).name
    except InvalidReference:
        return False
    return name in built


def _run(layout: Layout, config: Node, path: Path | None, built: frozenset[str]) -> None:
    """Read the containers that Skaffold itself runs, except those of images that are made here."""
    places = [
        (layout.at(test, "container"), Path(at, "container"))
        for test, at in layout.items(layout.at(config, "verify"), Path(path, "verify"))
    ]
    for action, at in layout.items(layout.at(config, "customActions"), Path(path, "customActions")):
        places += layout.items(layout.at(action, "containers"), Path(at, "containers"))
    for container, at in places:
        image = layout.at(container, "image")
        if layout.text(image) not in built:
            layout.image(image, Path(at, "image"))


def _built(layout: Layout, config: Node) -> frozenset[str]:
    """The names of the images that are made here."""
    artifacts = layout.at(config, "build", "artifacts")
    items = layout.items(artifacts, Path(None, "artifacts"))
    return frozenset(layout.text(layout.at(item, "image")) for item, _ in items)


def _release(layout: Layout, release: Node, path: Path, built: frozenset[str]) -> None:
    parameters = [
        parameter
        for key in _SET
        for parameter in _flat(layout, layout.at(release, key), Path(path, key))
    ]
    add_parameters(layout, NAME, parameters)
    place = Path(path, "artifactOverrides")
    for parameter in _flat(layout, layout.at(release, "artifactOverrides"), place):
        if parameter.value.text not in built:
            layout.image_where_versioned(parameter.value, parameter.path)
    version = layout.at(release, "version")
    chart = layout.text(layout.at(release, "remoteChart"))
    if chart.startswith(OCI) and isinstance(version, Scalar):
        add_chart_version(
            layout.page,
            layout.document,
            Path(path, "version"),
            NAME,
            version,
            name=chart.removeprefix(OCI).rstrip("/"),
            anchored=layout.anchored(version),
        )


def _flat(layout: Layout, node: Node | None, path: Path) -> Iterator[Parameter]:
    """Values by their key paths, which may be written with dots, nested or both."""
    waiting: list[tuple[Node | None, str, Path]] = [(node, "", path)]
    seen: set[int] = set()  # mappings that aliases repeat
    while waiting:
        current, name, at = waiting.pop()
        target = resolved(current) if current is not None else None
        if isinstance(target, Scalar):
            yield Parameter(name, target, at)
        elif isinstance(target, Collection) and target.is_mapping and id(target) not in seen:
            seen.add(id(target))
            for value, place in reversed(list(layout.members(target, at))):
                waiting.append((value, f"{name}.{place.step}".removeprefix("."), place))
