"""All that a run knows of one git repository and its forge when it starts to carry. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from imagebot.carrying.branches import Branch
from imagebot.dashboard import Asked
from imagebot.git import BareClone, GitState
from imagebot.interfaces import Forge, OccurrenceCache
from imagebot.model import Choice
from imagebot.proposals import PullRequest


@dataclass(frozen=True, slots=True)
class World:
    """What stands on the remote, and whom to tell. `requests` are those of all branches that are
    there or wanted, by head."""

    git: BareClone
    forge: Forge
    state: GitState
    branches: Sequence[Branch]
    requests: Mapping[str, PullRequest]
    now: datetime
    name: str = ""  # of the git repository, for the cache
    cache: OccurrenceCache | None = None
    asked: Asked = field(default_factory=Asked)  # by check boxes of the dashboard
    closed: Mapping[str, str] = field(default_factory=dict)  # by the clock: why, by branch
    waits: Mapping[str, str] = field(default_factory=dict)  # why nothing may be opened, by branch
    editions: Mapping[str, int] = field(default_factory=dict)  # that were noted, by branch
    choices: Sequence[Choice] = ()  # what was decided for each image
