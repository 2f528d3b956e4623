"""Images, releases and a change of two images, as bodies tell of them."""

from datetime import UTC, datetime

from imagebot.body.told import Step, Told, Version
from imagebot.details import ImageDetails, Layer, Release
from imagebot.image import Digest, Repository, parse_name
from imagebot.model import Edit, Span
from imagebot.sources import PUBLIC_HOSTS
from tests.making import DIGEST_A, DIGEST_B

SOURCE = "org.opencontainers.image.source"
REVISION = "org.opencontainers.image.revision"
BASE = Layer("sha256:" + "0" * 64, 28_000_000)
OLD = ImageDetails(
    digest=DIGEST_A,
    platform="linux/amd64",
    platforms=("linux/amd64",),
    layers=(BASE, Layer("sha256:" + "1" * 64, 14_500_000)),
    created_at=datetime(2026, 10, 2, 9, 30, tzinfo=UTC),
    user="",
    entrypoint=("/api",),
    ports=("8080/tcp",),
    env_names=("PATH", "PORT"),
    labels={
        SOURCE: "https://github.com/acme/api",
        REVISION: "3f786850e387550fdab836ed7e6dc881de23001b",
    },
)
NEW = ImageDetails(
    digest=DIGEST_B,
    platform="linux/amd64",
    platforms=("linux/amd64", "linux/arm64"),
    layers=(BASE, Layer("sha256:" + "2" * 64, 15_100_000)),
    created_at=datetime(2026, 11, 20, 8, 15, tzinfo=UTC),
    user="65532",
    entrypoint=("/api", "serve"),
    ports=("8080/tcp", "9090/tcp"),
    env_names=("PATH", "PORT", "TZ"),
    labels={
        SOURCE: "git@github.com:acme/api.git",
        REVISION: "89e6c98d92887913cadf06b2adb97f26cde4849b",
        "org.opencontainers.image.licenses": "Apache-2.0",
    },
)
NOTES = """\
## What's new

* Serve **metrics** on a port of [their own](https://github.com/acme/api/pull/412), says @dana
* Run as an unprivileged user
  - needs Kubernetes 1.27

<details><summary>All changes</summary>

Fixes #398.

</details>
"""
RELEASES = (
    Release("v2.4.1", "2.4.1, less noise", "https://github.com/acme/api/releases/tag/v2.4.1",
            "2026-11-20", "Log one line less for each request."),
    Release("v2.4.0", "v2.4.0", "https://github.com/acme/api/releases/tag/v2.4.0",
            "2026-11-02", NOTES),
)  # fmt: skip


def step(name: str, before: str, after: str, digest: Digest | None = None) -> Step:
    repository: Repository = parse_name(name)
    return Step(Version(repository, before, None), Version(repository, after, digest))


def told(
    of: Step,
    old: ImageDetails = OLD,
    new: ImageDetails = NEW,
    releases: tuple[Release, ...] = RELEASES,
) -> Told:
    return Told({of.before: old, of.after: new}, {of: releases}, PUBLIC_HOSTS)


def edit(source: bytes, old: bytes, new: bytes) -> Edit:
    start = source.index(old)
    return Edit(Span(start, start + len(old), old), new)
