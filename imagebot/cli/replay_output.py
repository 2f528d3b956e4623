"""A replay as a timeline: for a person, and for programs in the shape that docs/cli.md tells."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from imagebot.cli import policy_file, policy_words
from imagebot.cli.explained_json import gate_as_json, moment, policy_as_json
from imagebot.cli.explained_text import gate
from imagebot.cli.folding import Lines
from imagebot.cli.past import MAX_ASKED, Past
from imagebot.cli.policy_file import ANY_IMAGE
from imagebot.image import Repository
from imagebot.policy.model import Order, Policy
from imagebot.replay import MAX_REPLAYED, Action, Happening, Replayed
from imagebot.selection.shapes import natural_key
from imagebot.status import counted
from imagebot.times import shown_duration, shown_time

JSON_VERSION = 1
MAX_SHOWN = 100  # lines of the timeline, the latest
MAX_SHOWN_TAGS = 5
_TIME_WIDTH = len("2026-11-25 10:00")


@dataclass(frozen=True, slots=True)
class Replay:
    """One replay with all that is told of it."""

    policy: Policy
    repository: Repository
    past: Past
    unasked: tuple[tuple[str, str], ...]
    merge_after: timedelta
    until: datetime
    replayed: Replayed


def print_text(done: Replay, *, shows_all: bool) -> None:
    lines = Lines()
    replayed = done.replayed
    lines.heading(f"{policy_file.shown_name(done.repository)}: {_summary(replayed)}")
    for label, text in _facts(done):
        lines.labelled(label, text)
    shown = _rows(replayed.timeline)
    left = 0 if shows_all else max(len(shown) - MAX_SHOWN, 0)
    if shown:
        lines.blank()
        lines.item("  ", f"times are in UTC{f'; {left} earlier lines: --all' if left else ''}", 2)
    for happening, words in shown[left:]:
        _print_row(lines, happening, words)
    lines.blank()
    for label, text in _end(done, shows_all):
        lines.labelled(label, text)


def _summary(replayed: Replayed) -> str:
    counts = Counter(each.action for each in replayed.timeline)
    text = f"{counted(counts[Action.OPEN], 'pull request')} opened"
    text += f", {counts[Action.UPDATE]} updated" if counts[Action.UPDATE] else ""
    text += f", {counts[Action.MERGE]} merged" if counts[Action.MERGE] else ""
    return text + (f", {counts[Action.CLOSE]} closed" if counts[Action.CLOSE] else "")


def _facts(done: Replay) -> Iterator[tuple[str, str]]:
    dated = sorted(each.at for each in done.past.tags if each.at is not None)
    yield "policy", policy_words.named(done.policy)
    yield "rules", policy_words.rules(done.policy)
    span = f", {shown_time(dated[0])} to {shown_time(dated[-1])}" if dated else ""
    yield "times", f"{done.past.source}: {counted(len(dated), 'tag')}{span}"
    merged = f"{shown_duration(done.merge_after)} after it was opened"
    yield "merged", f"each request {merged if done.merge_after else 'at once'}"
    if done.unasked:
        yield "not asked", "; ".join(f"{name}: {what}" for name, what in done.unasked)
    if done.replayed.left_out_count:
        older = counted(done.replayed.left_out_count, "older tag")
        yield "left out", f"{older}; the newest {MAX_REPLAYED} are replayed"
    if done.past.not_asked_count:
        count = counted(done.past.not_asked_count, "tag")
        yield "left out", f"{count} that look older; {MAX_ASKED} are asked for their time"


def _rows(timeline: Sequence[Happening]) -> list[tuple[Happening, str]]:
    """Each with its action in words; a request that is merged in the moment takes one line."""
    rows: list[tuple[Happening, str]] = []
    for each in timeline:
        last = rows[-1] if rows else None
        if (
            last
            and each.action is Action.MERGE
            and last[0].action in (Action.OPEN, Action.UPDATE)
            and (last[0].at, last[0].after) == (each.at, each.after)
        ):
            rows[-1] = (last[0], f"{last[1]}, merge")
        else:
            rows.append((each, str(each.action)))
    return rows


def _print_row(lines: Lines, happening: Happening, words: str) -> None:
    at = shown_time(happening.at)[:_TIME_WIDTH]
    first = f"  {at}  {words.ljust(13)}  "
    change = " -> ".join(each for each in (happening.before, happening.after) if each)
    more = [f"{happening.step} step"] if happening.step else []
    if happening.held_since is not None and happening.action is not Action.MERGE:
        more.append(f"held since {shown_time(happening.held_since)[:_TIME_WIDTH]}")
    if happening.action in (Action.START, Action.CLOSE):
        more.append(happening.reason)
    lines.item(first, change + (f" ({', '.join(more)})" if more else ""), len(first))


def _end(done: Replay, shows_all: bool) -> Iterator[tuple[str, str]]:
    """How things stand at the end."""
    replayed = done.replayed
    yield (
        "today",
        f"{replayed.current or 'nothing'} is written"
        + (f", {replayed.proposed} is proposed" if replayed.proposed else ""),
    )
    if replayed.reason:
        yield "why", replayed.reason
    for verdict in replayed.waiting:
        yield "waiting", gate(verdict)
    coming = [each for each in done.past.tags if each.at is not None and each.at > done.until]
    if coming:
        names = _some([each.tag for each in coming], shows_all)
        yield "not yet", f"{counted(len(coming), 'tag')} with a time to come: {names}"
    by_reason: dict[str, list[str]] = defaultdict(list)
    for tag, reason in sorted(done.past.undated.items(), key=lambda pair: natural_key(pair[0])):
        by_reason[reason].insert(0, tag)
    for reason, tags in by_reason.items():
        yield "no time", f"{counted(len(tags), 'tag')}, {reason}: {_some(tags, shows_all)}"
    hint = _hint(done)
    if hint:
        yield "hint", hint


def _some(tags: Sequence[str], shows_all: bool) -> str:
    shown = tags if shows_all else tags[:MAX_SHOWN_TAGS]
    more = f" ({len(tags) - len(shown)} more)" if len(tags) > len(shown) else ""
    return " ".join(shown) + more


def _hint(done: Replay) -> str:
    """What to do where there is nothing to see."""
    replayed = done.replayed
    if done.policy.suspend is not None and done.policy.suspend.until is None:
        return "the policy is suspended for ever; take `suspend` out to see what it would do"
    if replayed.timeline:
        return ""
    if done.policy.tags.order is Order.DIGEST:
        return (
            "this order follows where one tag points: --current TAG, and --tags with a line "
            "`TAG TIME DIGEST` for each time that it moved"
        )
    if not any(each.at for each in done.past.tags):
        return "no tag has a time that can be trusted; --by created asks the images themselves"
    if replayed.current is None:
        return "no tag is taken without a current one; say where to start: --current TAG"
    return ""


def as_json(done: Replay) -> dict[str, object]:
    replayed = done.replayed
    return {
        "version": JSON_VERSION,
        "image": None if done.repository is ANY_IMAGE else str(done.repository),
        "policy": policy_as_json(done.policy),
        "rules": policy_words.rules(done.policy),
        "times": done.past.source,
        "until": moment(done.until),
        "mergeAfterSeconds": int(done.merge_after.total_seconds()),
        "timeline": [
            {
                "at": moment(each.at),
                "action": str(each.action),
                "from": each.before,
                "to": each.after,
                "step": str(each.step) if each.step else None,
                "heldSince": moment(each.held_since),
                "reason": each.reason,
            }
            for each in replayed.timeline
        ],
        "current": replayed.current,
        "proposed": replayed.proposed,
        "reason": replayed.reason,
        "waiting": [gate_as_json(each) for each in replayed.waiting],
        "notAsked": [{"gate": name, "what": what} for name, what in done.unasked],
        "undated": [
            {"tag": tag, "reason": reason} for tag, reason in sorted(done.past.undated.items())
        ],
        "leftOut": replayed.left_out_count + done.past.not_asked_count,
    }
