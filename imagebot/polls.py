"""When an image repository is asked for its tags, and what is known of it from the last time.

Pure. One listing serves every git repository that uses the image, so what is due is an image
repository, not a policy. A quiet one is asked seldom and one that changed often, within bounds of
the user; an interval that a policy names counts instead.
"""

from dataclasses import dataclass
from datetime import timedelta

from imagebot.image import Repository


@dataclass(frozen=True, slots=True)
class Use:
    """What one git repository needs of one image repository.

    `interval`: the shortest that its policies name. `followed`: tags whose digest it goes by.
    """

    image: Repository
    interval: timedelta | None = None
    followed: frozenset[str] = frozenset()
