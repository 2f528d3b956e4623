"""Short ways to make the nouns of the model in tests."""

from imagebot import image
from imagebot.image import Digest
from imagebot.model import Choice, Occurrence, Part, Selection, Slot, Span, Style, Update
from imagebot.policy.model import Policy, PullRequestRules
from imagebot.version import Step

DIGEST_A = Digest("sha256:" + "a" * 64)
DIGEST_B = Digest("sha256:" + "b" * 64)


def occurrence(reference: str, file: str = "apps/api/deployment.yaml", line: int = 7) -> Occurrence:
    parsed = image.parse(reference)
    written = reference.encode()
    slot = Slot(Part.REFERENCE, Span(7, 7 + len(written), written), Style.PLAIN, reference)
    return Occurrence(
        file=file,
        line=line,
        column=8,
        address="spec.image",
        format="kubernetes",
        slots=(slot,),
        reference=parsed,
        tag=parsed.tag,
        digest=parsed.digest,
    )


def policy(name: str = "api", file: str = "apps/imagebot.yaml", **rules: object) -> Policy:
    pull_request = PullRequestRules(**rules)  # type: ignore[arg-type]
    return Policy(name=name, file=file, line=1, pull_request=pull_request)


def choice(
    reference: str = "ghcr.io/acme/api:1.0.0",
    tag: str | None = "1.1.0",
    *,
    governed_by: Policy | None = None,
    file: str = "apps/api/deployment.yaml",
    digest: Digest | None = None,
    step: Step | None = Step.MINOR,
    reason: str = "highest tag that the policy allows",
    is_failure: bool = False,
) -> Choice:
    found = occurrence(reference, file)
    assert found.reference is not None
    update = Update(found, found.reference, tag, digest, step) if tag else None
    return Choice(
        found,
        governed_by or policy(),
        found.reference,
        Selection((), ()),
        update,
        reason,
        is_failure,
    )
