"""What became of an image's tags, for programs: the documented shape (docs/cli.md, `explain`)."""

from collections import Counter
from datetime import UTC, datetime

from imagebot.cli import policy_words
from imagebot.cli.explained import Explained
from imagebot.model import GateVerdict
from imagebot.policy.model import Policy


def case_as_json(image: str | None, explained: Explained) -> dict[str, object]:
    case, decision = explained.subject.case, explained.decision
    rows = explained.rows()
    selection = decision.selection
    return {
        "image": image,
        "current": {"tag": case.tag, "digest": str(case.digest) if case.digest else None},
        "policy": policy_as_json(explained.policy) if explained.policy.file else None,
        "rules": policy_words.rules(explained.policy),
        "chosen": None
        if explained.chosen is None
        else {
            "tag": explained.chosen,
            "digest": str(decision.digest) if decision.digest else None,
            "step": str(decision.step) if decision.step else None,
        },
        "reason": explained.reason,
        "isFailure": decision.is_failure and explained.subject.hindrance is None,
        "isSuspended": bool(
            explained.subject.hindrance and explained.subject.hindrance.is_suspended
        ),
        "note": selection.note if selection else "",
        "dropped": explained.dropped_count,
        "isCurrentListed": explained.is_current_listed,
        "gates": [gate_as_json(each) for each in decision.verdicts],
        "notAsked": [{"gate": gate, "what": what} for gate, what in explained.unasked],
        "otherPolicies": [
            {**policy_as_json(each.policy), "why": each.why} for each in explained.subject.others
        ],
        "skips": [
            {
                "tag": each.tag,
                "reason": each.reason,
                "until": each.until.isoformat() if each.until else None,
            }
            for each in explained.skips
        ],
        "places": list(explained.subject.places),
        "counts": dict(Counter(str(row.ground or row.verdict) for row in rows)),
        "tags": [
            {
                "tag": row.tag,
                "verdict": row.verdict,
                "ground": str(row.ground) if row.ground else None,
                "reason": row.reason,
            }
            for row in rows
        ],
    }


def policy_as_json(policy: Policy) -> dict[str, object]:
    return {"name": policy.name, "file": policy.file, "line": policy.line}


def moment(at: datetime | None) -> str | None:
    """`2026-11-25T10:00:00Z`."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def gate_as_json(verdict: GateVerdict) -> dict[str, object]:
    return {
        "tag": verdict.tag,
        "gate": verdict.gate,
        "verdict": str(verdict.verdict),
        "reason": verdict.reason,
        "until": moment(verdict.until),
    }
