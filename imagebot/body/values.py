"""What a template may show, put together from a group's choices (docs/pull-requests.md).

Pure. Texts, numbers, lists and groups of them, and `Markdown` of ours; nothing else gets in.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from imagebot import sources
from imagebot.body import difference, notes
from imagebot.body.markdown import NOTHING, Markdown, cells, fenced, link
from imagebot.body.told import Step, Told, step_of
from imagebot.details import ImageDetails, Release
from imagebot.model import Choice, Edit, Problem, Update, Verdict
from imagebot.texts import code_span, one_line, prose
from imagebot.times import shown_time
from imagebot.titles import place_of, version_text

Value = str | int | Markdown | Sequence["Value"] | Mapping[str, "Value"]

MAX_PASSED_OVER = 3
MAX_ROWS = 200
MAX_PLACES = 20  # of one row
MAX_DIFF_LINES = 120
MAX_PROBLEMS = 10
MAX_RELEASES = 5  # of one image
_FIRST_BELIEVABLE_YEAR = 2000  # reproducible builds say 1970 or 1980


def values(
    choices: Sequence[Choice],
    sources_by_file: Mapping[str, bytes],
    edits_by_file: Mapping[str, Sequence[Edit]],
    told: Told,
    left_out: Sequence[Problem] = (),
    *,
    has_requests: bool = True,
    has_labels: bool = True,
) -> dict[str, Value]:
    """Everything that a template finds by name."""
    updates = [choice.update for choice in choices if choice.update]
    merged: dict[tuple[Step, str], list[Update]] = {}
    for update in updates:
        merged.setdefault((step_of(update), str(update.step or "")), []).append(update)
    images = [_image(step, size, some, told) for (step, size), some in merged.items()]
    return {
        "images": images[:MAX_ROWS],
        "more_images": max(0, len(images) - MAX_ROWS),
        "diff": _diff(sources_by_file, edits_by_file),
        "problems": [_problem(each) for each in left_out[:MAX_PROBLEMS]],
        "more_problems": max(0, len(left_out) - MAX_PROBLEMS),
        "why": Markdown(reasons(choices)),
        "has_requests": int(has_requests),
        "has_labels": int(has_requests and has_labels),
    }


def _image(step: Step, size: str, updates: Sequence[Update], told: Told) -> dict[str, Value]:
    before, after = step
    old, new = told.details.get(before), told.details.get(after)
    places = [place_of(update.occurrence) for update in updates]
    more = [f"and {len(places) - MAX_PLACES} more"] if len(places) > MAX_PLACES else []
    return {
        "name": after.repository.familiar,
        "before": version_text(before.tag or None, before.digest) or "(none)",
        "after": version_text(after.tag, after.digest),
        "step": size,
        "built": _built(new),
        "places": places[:MAX_PLACES],
        "places_cell": cells([*places[:MAX_PLACES], *more]),
        **_source(old, new, told),
        "releases": [_release(each, told) for each in told.releases.get(step, ())[:MAX_RELEASES]],
        "more_releases": max(0, len(told.releases.get(step, ())) - MAX_RELEASES),
        "differences": _differences(old, new),
        "platform": new.platform if new else "",
    }


def _problem(problem: Problem) -> dict[str, Value]:
    line = f":{problem.line}" if problem.line else ""
    return {"place": f"{problem.file}{line}", "text": problem.message, "hint": problem.hint}


def _differences(old: ImageDetails | None, new: ImageDetails | None) -> list[Value]:
    return [row._asdict() for row in difference.rows(old, new)] if old and new else []


def _built(image: ImageDetails | None) -> str:
    """The day, never how long ago: a body changes only when something happened."""
    at = image.created_at if image else None
    return f"{at:%Y-%m-%d}" if at and at.year >= _FIRST_BELIEVABLE_YEAR else ""


def _source(old: ImageDetails | None, new: ImageDetails | None, told: Told) -> dict[str, Value]:
    source = sources.source_of(new, told.hosts) if new else None
    if new is None or source is None:
        return {"source": NOTHING, "compare": NOTHING, "revision": ""}
    revision = sources.revision_of(new)
    moved = old is not None and sources.source_of(old, told.hosts) != source
    from_revision = sources.revision_of(old) if old and not moved else ""
    url = sources.compare_url(source, from_revision, revision)
    return {
        "source": link(source.name, source.url),
        "compare": link(f"{from_revision[:12]}...{revision[:12]}", url) if url else NOTHING,
        "revision": revision[:12],
    }


def _release(release: Release, told: Told) -> dict[str, Value]:
    title = release.title.strip()
    is_known = any(release.url.startswith(f"{host.origin}/") for host in told.hosts.values())
    return {
        "tag": release.tag,
        "title": "" if title == release.tag else title,
        "link": link(release.tag, release.url if is_known else ""),
        "published": release.published_on,
        "text": notes.quoted(release.text),
    }


def _diff(before: Mapping[str, bytes], edits_by_file: Mapping[str, Sequence[Edit]]) -> Markdown:
    lines: list[str] = []
    for file, made in sorted(edits_by_file.items()):
        if file in before and made:
            lines += [f"--- {one_line(file)}", *_changed_lines(before[file], made)]
    if not lines:
        return NOTHING
    left_out = len(lines) - MAX_DIFF_LINES
    if left_out > 0:
        lines = [*lines[:MAX_DIFF_LINES], f"({left_out} more lines)"]
    return fenced(lines, "diff")


def _changed_lines(source: bytes, edits: Iterable[Edit]) -> Iterator[str]:
    """The lines that edits touch, as they are and as they will be, run by run.

    Only those lines are compared: a diff of whole files takes long where many lines are alike.
    """
    spans = sorted(set(edits), key=lambda edit: edit.span.start)
    at = 0
    while at < len(spans):
        start = source.rfind(b"\n", 0, spans[at].span.start) + 1
        end = _end_of_line(source, spans[at].span.end)
        run = [spans[at]]
        at += 1
        while at < len(spans) and spans[at].span.start <= end:
            run.append(spans[at])
            end = max(end, _end_of_line(source, spans[at].span.end))
            at += 1
        after, done = b"", start
        for edit in run:
            after += source[done : edit.span.start] + edit.new
            done = edit.span.end
        number = source.count(b"\n", 0, start) + 1
        yield f"@@ line {number} @@"
        yield from _compared(source[start:end], after + source[done:end])


def _end_of_line(source: bytes, at: int) -> int:
    end = source.find(b"\n", at)
    return len(source) if end < 0 else end


def _compared(before: bytes, after: bytes) -> Iterator[str]:
    old, new = (text.decode("utf-8", "replace").splitlines() for text in (before, after))
    for line in list(difflib.unified_diff(old, new, n=0, lineterm=""))[3:]:
        if not line.startswith("@@"):
            yield line


def reasons(choices: Sequence[Choice]) -> str:
    """Why each tag was taken, and what newer tags are not proposed, a line for each image."""
    lines: dict[str, None] = {}
    for choice in choices[:MAX_ROWS]:
        if not (choice.update and choice.policy):
            continue
        image = code_span(choice.update.repository.familiar)
        policy = code_span(choice.policy.identity)
        lines[f"- {image}: {prose(choice.reason)}, by policy {policy}."] = None
        lines.update(dict.fromkeys(_passed_over(choice)))
    return "**Why this tag**\n\n" + "\n".join(lines) if lines else ""


def _passed_over(choice: Choice) -> Iterator[str]:
    """Better tags that wait, do not fit, or are kept out by the policy: what a reader would ask."""
    for verdict in choice.passed_over[:MAX_PASSED_OVER]:
        word = "held" if verdict.verdict is Verdict.HOLD else "not taken"
        until = f" until {shown_time(verdict.until)}" if verdict.until else ""
        yield f"  - {word}{until}: {code_span(verdict.tag)}, {code_span(verdict.reason)}"
    for each in choice.selection.kept_out[:MAX_PASSED_OVER] if choice.selection else ():
        yield f"  - not proposed: {code_span(each.tag)}, {code_span(each.reason)}"
