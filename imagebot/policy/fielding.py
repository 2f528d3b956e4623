"""Which `fields` of which policies bear on a file.

Pure. Those of the nearest policies come first: where two mean the same bytes, the nearer decides.
"""

from collections.abc import Iterable
from typing import NamedTuple

from imagebot.policy.globs import Glob
from imagebot.policy.model import Field, Policy


class FieldRule(NamedTuple):
    """One field of one policy."""

    policy: Policy
    number: int  # in the policy's list, from 0

    @property
    def field(self) -> Field:
        return self.policy.fields[self.number]


class FieldRules:
    """The fields of some policies, by the files that they bear on."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        with_fields = {policy.identity: policy for policy in policies if policy.fields}
        nearest_first = sorted(
            with_fields.values(), key=lambda policy: (-policy.folder.count("/"), policy.identity)
        )
        nearest_first.sort(key=lambda policy: not policy.folder)
        self.policies = tuple(nearest_first)
        self._paths = [[Glob.compile(text) for text in policy.paths] for policy in self.policies]

    def of(self, file: str) -> tuple[FieldRule, ...]:
        """The fields to look for in a file, those of the nearest policy first."""
        return tuple(
            FieldRule(policy, number)
            for policy, paths in zip(self.policies, self._paths, strict=True)
            if _is_below(policy.folder, file)
            if any(path.matches(file[len(policy.folder) :].lstrip("/")) for path in paths)
            for number in range(len(policy.fields))
        )


def _is_below(folder: str, file: str) -> bool:
    return not folder or file.startswith(folder + "/")
