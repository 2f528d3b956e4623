"""The text of a pull request: what changes where, why this tag, what is not taken, a record.

Pure. Everything from outside goes through texts.py.
"""

from collections.abc import Iterator, Sequence

from imagebot import records
from imagebot.model import Choice, Update, Verdict
from imagebot.texts import code_span
from imagebot.times import shown_time
from imagebot.titles import place_of, version_text

MAX_BODY_LENGTH = 60_000  # GitHub refuses bodies over 65,536 characters
MAX_PASSED_OVER = 3
_MAX_ROWS = 200


def body(choices: Sequence[Choice]) -> str:
    """The pull request's text: what changes where, why this tag, what is not taken, a record."""
    chosen = [choice for choice in choices if choice.update]
    updates = [choice.update for choice in chosen if choice.update]
    parts = [_table(updates), reasons(chosen), _footer()]
    record = records.record_text(updates)
    text = "\n\n".join(part for part in parts if part)
    if len(text) + len(record) > MAX_BODY_LENGTH:
        text = text[: MAX_BODY_LENGTH - len(record)].rsplit("\n", 1)[0] + "\n\n(shortened)"
    return f"{text}\n\n{record}\n"


def fitted(body_text: str, max_characters: int) -> str:
    """The same body, shortened where a forge takes less. The record stays, if need be without its
    list; the text goes from its end."""
    if len(body_text) <= max_characters:
        return body_text
    text, record = records.apart(body_text)
    if len(record) > max_characters // 2:
        record = records.without_list(record)
    ending = f"\n\n(shortened)\n\n{record}\n"
    return text[: max(0, max_characters - len(ending))].rsplit("\n", 1)[0] + ending


def _table(updates: Sequence[Update]) -> str:
    rows = ["| Image | From | To | Step | Files |", "| --- | --- | --- | --- | --- |"]
    merged: dict[tuple[str, str, str, str], list[str]] = {}
    for update in updates:
        cells = (
            update.repository.familiar,
            version_text(update.reference.tag, update.reference.digest) or "(none)",
            version_text(update.tag, update.digest),
            str(update.step or ""),
        )
        merged.setdefault(cells, []).append(place_of(update.occurrence))
    for cells, places in list(merged.items())[:_MAX_ROWS]:
        shown = [code_span(cell, in_table=True) for cell in cells[:3]] + [cells[3]]
        files = "<br>".join(code_span(place, in_table=True) for place in places[:20])
        more = f"<br>and {len(places) - 20} more" if len(places) > 20 else ""
        rows.append(f"| {' | '.join(shown)} | {files}{more} |")
    if len(merged) > _MAX_ROWS:
        rows.append(f"| and {len(merged) - _MAX_ROWS} more | | | | |")
    return "\n".join(rows)


def reasons(choices: Sequence[Choice]) -> str:
    """Why each tag was taken, and what newer tags are not proposed, a line for each image."""
    lines: dict[str, None] = {}
    for choice in choices[:_MAX_ROWS]:
        if not (choice.update and choice.policy):
            continue
        image = code_span(choice.update.repository.familiar)
        lines[f"- {image}: {choice.reason}, by policy {code_span(choice.policy.identity)}."] = None
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


def _footer() -> str:
    return (
        "---\nOpened by imagebot. A newer tag updates this request. Push a commit to this branch "
        "and imagebot leaves it alone; close the request and these versions are not proposed again."
    )
