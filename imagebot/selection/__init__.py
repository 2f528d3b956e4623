"""Choose which tags, if any, may replace the one in the file.

Pure. Takes the tag rules of a policy, the current tag and the tags that a registry listed; gives
back candidates, best first, and a reason for every tag it turned away. The order in which the
tags were listed never matters, and nothing is a candidate that is not better than the current.

What an order compares is read in reading.py, where the choice starts in origin.py, the reasons are
in judging.py, and families.py knows which tags belong together.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from types import MappingProxyType

from imagebot.model import Candidate, Explanation, Ground, Rejection, Selection
from imagebot.policy.model import Order, TagRules
from imagebot.selection.judging import Judge, Ranked, Refusal
from imagebot.selection.origin import origin_of
from imagebot.selection.reading import TimeReader, reader_for
from imagebot.selection.shapes import natural_key
from imagebot.version import Step

MAX_CANDIDATES = 100
MAX_KEPT_OUT = 20
NO_TIMES: Mapping[str, datetime | str] = MappingProxyType({})
NOTHING_SKIPPED: Mapping[str, str] = MappingProxyType({})

_KEPT_OUT = frozenset({Ground.SKIPPED, Ground.PRE_RELEASE, Ground.RANGE, Ground.STEP})
_NO_TAGS = "the registry lists no tags"


def select(
    rules: TagRules,
    current: str | None,
    tags: Sequence[str],
    *,
    skipped: Mapping[str, str] = NOTHING_SKIPPED,
    times: Mapping[str, datetime | str] = NO_TIMES,
) -> Selection:
    """The candidates in a listing, which are better than `current`, best first.

    `skipped`: tags that are not wanted, each with the reason. `times`: of each tag, or why it has
    none; needed by the order newest-build alone, which asks by `Selection.undated`.
    """
    if rules.order is Order.DIGEST:
        return _followed(current, tags)
    if rules.order is Order.NEWEST_BUILD and not times:
        return _not_dated(rules, current, tags, skipped)
    judge, note, is_hopeless = _judge(rules, current, skipped, times)
    if is_hopeless:
        return Selection((), note=note)
    better = judge.better(set(tags) - {current})
    judged = ((ranked, judge.objection(ranked)) for ranked in better)
    return _collected(judge, judged, note or ("" if tags else _NO_TAGS))


def explain(
    rules: TagRules,
    current: str | None,
    tags: Sequence[str],
    *,
    skipped: Mapping[str, str] = NOTHING_SKIPPED,
    times: Mapping[str, datetime | str] = NO_TIMES,
) -> Explanation:
    """As `select`, with what became of every tag but the current."""
    others = sorted(set(tags) - {current})
    if rules.order is Order.DIGEST:
        selection = _followed(current, tags)
        reason = f"another tag; the policy follows the digest of {current}"
        rejections = tuple(Rejection(tag, reason, Ground.FAMILY) for tag in others)
        return Explanation(selection, selection.candidates, rejections)
    judge, note, _ = _judge(rules, current, skipped, times)
    judged: list[tuple[Ranked, Refusal | None]] = []
    refused: list[Rejection] = []
    for tag in others:
        verdict = judge.verdict(tag)
        if isinstance(verdict, Ranked):
            judged.append((verdict, None))
            continue
        refusal, ranked = verdict
        refused.append(Rejection(tag, refusal.reason, refusal.ground))
        if ranked is not None:
            judged.append((ranked, refusal))
    judged.sort(key=itemgetter(0), reverse=True)
    selection = _collected(judge, judged, note or ("" if tags else _NO_TAGS))
    if rules.order is Order.NEWEST_BUILD and not times:
        selection = _not_dated(rules, current, tags, skipped)
    every = tuple(_candidate(judge, ranked) for ranked, refusal in judged if refusal is None)
    return Explanation(selection, every, tuple(refused))


def newest_by_step(selection: Selection) -> Mapping[Step, Candidate]:
    """The best candidate of each step there is, lowest step first: what `plan` offers."""
    best: dict[Step, Candidate] = {}
    for candidate in selection.candidates:
        if candidate.step is not None:
            best.setdefault(candidate.step, candidate)
    return {step: best[step] for step in Step if step in best}


def _judge(
    rules: TagRules,
    current: str | None,
    skipped: Mapping[str, str],
    times: Mapping[str, datetime | str],
) -> tuple[Judge, str, bool]:
    """A judge, what is to be said of the current tag, and whether nothing can be compared."""
    reader = reader_for(rules, current, times)
    origin = origin_of(rules, current, reader)
    return Judge(rules, origin, reader, skipped), origin.note, bool(origin.refusal)


def _collected(
    judge: Judge, judged: Iterable[tuple[Ranked, Refusal | None]], note: str
) -> Selection:
    """The best hundred candidates, the best of each step, and the highest few kept out.

    `judged` stand best first. It ends once no more is wanted of them.
    """
    candidates: list[Candidate] = []
    kept_out: list[Rejection] = []
    steps_left = set(judge.steps)
    for ranked, refusal in judged:
        if refusal is not None:
            if refusal.ground in _KEPT_OUT and len(kept_out) < MAX_KEPT_OUT:
                kept_out.append(Rejection(ranked.tag, refusal.reason, refusal.ground))
            continue
        is_full = len(candidates) >= MAX_CANDIDATES
        if is_full and not steps_left:
            break
        candidate = _candidate(judge, ranked)
        if not is_full or candidate.step in steps_left:
            candidates.append(candidate)
            steps_left.discard(candidate.step)
    return Selection(tuple(candidates), tuple(kept_out), note)


def _candidate(judge: Judge, ranked: Ranked) -> Candidate:
    return Candidate(ranked.tag, ranked.reading.text, judge.step_to(ranked.reading))


def _followed(current: str | None, tags: Sequence[str]) -> Selection:
    """The current tag alone: whether its digest moved is for those who can ask."""
    if current is None:
        return Selection((), note="no tag is written here whose digest could be followed")
    if current not in tags:
        note = f"the registry does not list {current}" if tags else _NO_TAGS
        return Selection((), note=note)
    return Selection((Candidate(current, current, Step.DIGEST),))


def _not_dated(
    rules: TagRules, current: str | None, tags: Sequence[str], skipped: Mapping[str, str]
) -> Selection:
    """What can be said before times are known: of which tags they are needed."""
    reader = TimeReader(current, rules.filter is not None, NO_TIMES)
    judge = Judge(rules, origin_of(rules, None, reader), reader, skipped)
    for tag in set(tags) - {current} - skipped.keys():
        judge.verdict(tag)
    waiting = [tag for tag in reader.undated if not judge.is_excluded(tag)]
    newest_looking_first = tuple(sorted(waiting, key=natural_key, reverse=True))
    return Selection((), note="" if tags else _NO_TAGS, undated=newest_looking_first)
