"""What was found out about the images of a change, for a body to tell. All frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from imagebot.details import ImageDetails, Release
from imagebot.image import Digest, Repository
from imagebot.model import Update
from imagebot.sources import SourceHost


class Version(NamedTuple):
    """One image at one version, as a reference names it."""

    repository: Repository
    tag: str
    digest: Digest | None


class Step(NamedTuple):
    """From which version to which one."""

    before: Version
    after: Version


@dataclass(frozen=True, slots=True)
class Told:
    """Details by version, releases by step. What could not be found out is not in it."""

    details: Mapping[Version, ImageDetails] = field(default_factory=dict)
    releases: Mapping[Step, tuple[Release, ...]] = field(default_factory=dict)
    hosts: Mapping[str, SourceHost] = field(default_factory=dict)  # that may be linked to


NOTHING_TOLD = Told()


def step_of(update: Update) -> Step:
    reference = update.reference
    before = Version(reference.repository, reference.tag or "", reference.digest)
    return Step(before, Version(update.repository, update.tag, update.digest))
