"""Orders of tags and ranges over them (being written)."""

from enum import StrEnum


class Step(StrEnum):
    """How far an update goes from the current version."""

    DIGEST = "digest"
    PATCH = "patch"
    MINOR = "minor"
    MAJOR = "major"


class Range:
    """A semver range with the meaning of Masterminds/semver v3 (being written)."""
