"""What is said of a request that nothing asks for any more: why, as far as it is known. Pure."""

from collections.abc import Collection, Sequence

from imagebot.model import Choice
from imagebot.proposals import ChangeSet, Proposed
from imagebot.texts import code_span, prose

MAX_CAUSES = 10
MAX_REASON = 200
CLOSES = "imagebot closes this request: "
_UNKNOWN = (
    "nothing is left to update here. Either the base branch has the change, or the policy no "
    "longer asks for it."
)
_MOVED = "belongs to the branch"
_LEFT = "nothing is left to update here. "


def farewell(
    proposed: Sequence[Proposed],
    wanted: Sequence[ChangeSet],
    choices: Sequence[Choice],
    files: Collection[str] = (),
) -> str:
    """The closing comment of a request that proposed these in those `files`.

    `wanted` is what is asked for now, in other requests, `choices` what was decided for each image.
    Equal worlds give equal texts, so that a second try says nothing new.
    """
    causes = list(dict.fromkeys(_cause(offer, wanted, choices, files) for offer in proposed))
    if not causes:
        return CLOSES + _UNKNOWN
    more = f"; and {len(causes) - MAX_CAUSES} more" if len(causes) > MAX_CAUSES else ""
    is_elsewhere = any(_MOVED in cause for cause in causes)
    return f"{CLOSES}{'' if is_elsewhere else _LEFT}{'; '.join(causes[:MAX_CAUSES])}{more}."


def _cause(
    offer: Proposed,
    wanted: Sequence[ChangeSet],
    choices: Sequence[Choice],
    files: Collection[str],
) -> str:
    image = str(offer.repository)
    version = code_span(f"{image}:{offer.tag}")
    here = [
        each for each in choices if each.reference and each.reference.repository == offer.repository
    ]
    written = [each for each in here if each.occurrence.file in files]
    if written and all(_has(each, offer) for each in written):
        return f"the base branch has {version}"
    elsewhere = _elsewhere(offer, wanted)
    if elsewhere:
        return f"the update of {code_span(image)} {_MOVED} {elsewhere} now"
    governed = [each for each in here if each.policy and each.policy.identity == offer.policy]
    if any(_has(each, offer) for each in governed or here):
        return f"the base branch has {version}"
    if not here:
        return f"{code_span(image)} stands in no file of the base branch any more"
    if not governed:
        return f"the policy that asked for {version} does not govern that image any more"
    why = prose(governed[0].reason, MAX_REASON)
    return f"the policy no longer asks for {version} ({why})"


def _elsewhere(offer: Proposed, wanted: Sequence[ChangeSet]) -> str:
    """The branch that proposes an update of the same image, if any: of this very version first."""
    of_image = [
        (other.tag != offer.tag, each.branch)
        for each in wanted
        for other in each.proposed
        if other.repository == offer.repository
    ]
    return code_span(min(of_image)[1]) if of_image else ""


def _has(choice: Choice, offer: Proposed) -> bool:
    reference = choice.reference
    if reference is None or reference.tag != offer.tag:
        return False
    return offer.digest is None or reference.digest is None or reference.digest == offer.digest
