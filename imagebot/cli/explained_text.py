"""Print what became of an image's tags, for a person: the first lines say why it is not updated."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from imagebot.cli import policy_words
from imagebot.cli.explained import Explained, TagRow
from imagebot.cli.folding import Lines
from imagebot.image import Digest
from imagebot.model import GateVerdict, Ground, Verdict
from imagebot.times import shown_time

MAX_PLACES = 4
MAX_OTHERS = 5
MAX_SHOWN_TAGS = 5  # of one reason
WIDEST_COLUMN = 28
MAX_REASONS = 3  # of one ground; the rest is counted together

_OF_GROUND = {
    Ground.SKIPPED: "skipped",
    Ground.STEP: "too far a step",
    Ground.RANGE: "not in range",
    Ground.PRE_RELEASE: "pre-releases",
    Ground.EXCLUDED: "excluded",
    Ground.SAME: "as high as the current",
    Ground.LOWER: "lower than the current",
    Ground.FAMILY: "another tag family",
    Ground.FILTER: "filtered out",
    Ground.UNREADABLE: "nothing that the order can compare",
    Ground.ARTIFACT: "artifacts of other images",
}


def print_one(lines: Lines, image: str, explained: Explained, *, shows_all: bool) -> None:
    """One policy and current tag."""
    lines.heading(f"{image} {headline(explained)}")
    lines.labelled("why", why(explained))
    for label, text in _facts(explained, shows_all):
        lines.labelled(label, text)
    if explained.explanation is None:
        return
    lines.blank()
    rows = explained.rows()
    if shows_all:
        _print_every(lines, rows)
    else:
        _print_groups(lines, rows)


def headline(explained: Explained) -> str:
    """`2.1.4 -> 2.3.0 (minor step)`, or `2.1.4: no update`."""
    case, decision = explained.subject.case, explained.decision
    current = written(case.tag, case.digest) or "(no tag)"
    if explained.chosen:
        step = f" ({decision.step} step)" if decision.step else ""
        new = written(explained.chosen, decision.digest)
        if case.wants_digest and decision.digest is None:
            new += "@(digest not asked)"
        return f"{current} -> {new}{step}"
    if explained.subject.hindrance is None and decision.is_failure:
        return f"{current}: not decided"
    return f"{current}: no update"


def why(explained: Explained) -> str:
    """The reason, with what stands nearest in the way."""
    reason = explained.reason
    if explained.chosen or explained.subject.hindrance or explained.explanation is None:
        return reason
    if reason == "up to date":
        current = explained.subject.case.tag
        reason = f"no tag that the policy allows is better than {current}"
    return reason


def written(tag: str | None, digest: Digest | None) -> str:
    return (tag or "") + (f"@{digest.short}" if digest else "")


def _facts(explained: Explained, shows_all: bool) -> Iterator[tuple[str, str]]:
    """The lines below the reason: label and text."""
    subject, decision, policy = explained.subject, explained.decision, explained.policy
    selection = decision.selection
    if subject.hindrance and decision.tag:
        yield "else", f"{decision.tag} would be taken: {decision.reason}"
    for verdict in decision.verdicts:
        yield "gate", gate(verdict)
    if selection and selection.kept_out:
        best, more = selection.kept_out[0], len(selection.kept_out) > 1
        yield "kept out", f"{best.tag}: {best.reason}" + (" (and more, below)" if more else "")
    if explained.unasked:
        asked = "; ".join(f"{name}: {what}" for name, what in explained.unasked)
        yield "not asked", asked
    if not policy.file:
        yield "policy", "none governs it; shown by the default policy, which writes nothing"
    else:
        named = " (named by --policy)" if subject.is_named else ""
        yield "policy", policy_words.named(policy) + named
    yield "rules", policy_words.rules(policy)
    shown = subject.others if shows_all else subject.others[:MAX_OTHERS]
    for other in shown:
        yield "not by", f"{policy_words.named(other.policy)}: {other.why}"
    if len(subject.others) > len(shown):
        yield "not by", f"({len(subject.others) - len(shown)} more policies name the image)"
    for item in explained.skips:
        yield "skip", policy_words.skip(item)
    places = subject.places if shows_all else subject.places[:MAX_PLACES]
    left = len(subject.places) - len(places)
    if places:
        label = "for" if subject.is_asked_alone else "written"
        yield label, " ".join(places) + (f" ({left} more)" if left else "")
    if selection and selection.note and selection.note != explained.reason:
        yield "note", selection.note
    current = subject.case.tag
    if current and explained.explanation and not explained.is_current_listed:
        yield "note", f"{current} is not among the tags listed"
    if explained.dropped_count:
        yield "note", f"{explained.dropped_count} names listed are no tags and were left out"


def gate(verdict: GateVerdict) -> str:
    """`2.4.0 held until 2026-11-28 10:00 UTC by cooldown: ...`."""
    words = {Verdict.ADMIT: "admitted", Verdict.HOLD: "held", Verdict.REJECT: "refused"}
    until = f" until {shown_time(verdict.until)}" if verdict.until else ""
    return f"{verdict.tag} {words[verdict.verdict]}{until} by {verdict.gate}: {verdict.reason}"


def _print_every(lines: Lines, rows: Sequence[TagRow]) -> None:
    widest = min(max((len(row.tag) for row in rows), default=0), WIDEST_COLUMN)
    for row in rows:
        tag = row.tag
        if len(tag) > widest:  # on a line of its own, whole
            lines.item("  ", tag, 2)
            tag = ""
        first = f"  {tag.ljust(widest)}  {row.verdict.ljust(8)}  "
        lines.item(first, row.reason, len(first))


def _print_groups(lines: Lines, rows: Sequence[TagRow]) -> None:
    allowed = [
        row.tag + (f" ({row.verdict})" if row.verdict != "allowed" else "")
        for row in rows
        if row.verdict not in ("current", "rejected")
    ]
    groups = [(allowed, "better and allowed, best first")] if allowed else []
    groups += [([row.tag], "the current tag") for row in rows if row.verdict == "current"]
    groups += _rejected_groups(row for row in rows if row.verdict == "rejected")
    counts = max((len(str(len(tags))) for tags, _ in groups), default=1)
    for tags, text in groups:
        shown = " ".join(tags[:MAX_SHOWN_TAGS])
        left = len(tags) - MAX_SHOWN_TAGS
        more = f" ({left} more)" if left > 0 else ""
        first = f"  {len(tags):>{counts}}  "
        lines.item(first, f"{text}: {shown}{more}", len(first))


def _rejected_groups(rows: Iterable[TagRow]) -> Iterator[tuple[list[str], str]]:
    """Tags by reason, in the order of the grounds; rare reasons of one ground are put together."""
    by_ground: dict[Ground | None, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        by_ground[row.ground][row.reason].append(row.tag)
    for ground, by_reason in by_ground.items():
        ordered = sorted(by_reason.items(), key=lambda pair: -len(pair[1]))
        keeps = len(ordered)
        if keeps > MAX_REASONS + 1:
            keeps = sum(len(tags) > 1 for _, tags in ordered[:MAX_REASONS])
        yield from ((tags, reason) for reason, tags in ordered[:keeps])
        rest = ordered[keeps:]
        if rest and ground is not None:
            tags = [tag for _, several in rest for tag in several]
            other = "other reasons" if keeps else "reasons"
            yield tags, f"{_OF_GROUND[ground]}, for {len(rest)} {other} (--all)"
