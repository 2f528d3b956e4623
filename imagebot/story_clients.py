"""What the story asks and writes to, for one git repository. Built at the edge: see clients.py."""

from collections.abc import Sequence
from dataclasses import dataclass

from imagebot.describing import Describer
from imagebot.git import BareClone
from imagebot.interfaces import Forge, Ledger, OccurrenceCache, Registry
from imagebot.proposals import ForgeTraits


@dataclass(frozen=True, slots=True)
class Clients:
    """What the story needs of the world, for one git repository."""

    name: str  # of the git repository, for people
    git: BareClone
    forge: Forge
    registry: Registry
    ledger: Ledger
    cache: OccurrenceCache | None = None
    is_direct: bool = False  # commit to the base branch, no pull request
    describer: Describer | None = None  # who finds out what bodies tell of the images
    watched: Sequence[str] = ()  # branches whose requests were open when last seen


def traits_of(forge: Forge) -> ForgeTraits:
    """What of a forge a plan has to know."""
    return ForgeTraits(forge.name, forge.has_pull_requests, forge.has_labels)
