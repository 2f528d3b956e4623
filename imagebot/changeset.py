"""How a change is presented: groups, branch names, titles, bodies, commit messages and records.

Pure. Takes updates that were decided and the new bytes of the files; gives back `ChangeSet`s,
equal for equal input. Branch names come from what is updated and never from a version, so a
newer tag updates the same pull request (law 2). What is written into trailers and into the
pull request's hidden record can be read back: `proposed_in` and `record_in`.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from imagebot import request_state
from imagebot.errors import InvalidReference
from imagebot.image import Digest, Repository, parse_name
from imagebot.model import ChangeSet, Choice, Edit, Occurrence, Proposed, Update, Verdict
from imagebot.policy.model import Policy
from imagebot.request_state import RequestState, Version
from imagebot.texts import code_span, one_line
from imagebot.times import shown_time
from imagebot.version import Step

BRANCH_PREFIX = "imagebot/"
MAX_BODY_LENGTH = 60_000  # GitHub refuses bodies over 65,536 characters
MAX_RECORD_LENGTH = 20_000
MAX_PASSED_OVER = 3
_MAX_ROWS = 200
_MAX_ALIAS_LINES = 10  # shown of one value
_UPDATE_TRAILER = "Imagebot-Update"
_RECORD = re.compile(r"<!-- imagebot:record (\{.*?\}) -->", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Group:
    """Updates that land together. `key` is stable; `name` is for people."""

    key: str
    name: str
    choices: tuple[Choice, ...]


def group_choices(choices: Iterable[Choice], *, everything_together: bool = False) -> list[Group]:
    """Choices with an update, by group, in the order of their keys.

    A policy's `pullRequest.group` joins images across policies; without one, each image
    repository under each policy is a group. `everything_together` is for direct commits.
    """
    found: dict[str, tuple[str, list[Choice]]] = {}
    for choice in choices:
        if choice.update is None or choice.policy is None:
            continue
        key, name = ("*", "images") if everything_together else _group_of(choice, choice.policy)
        found.setdefault(key, (name, []))[1].append(choice)
    return [Group(key, name, tuple(members)) for key, (name, members) in sorted(found.items())]


def _group_of(choice: Choice, policy: Policy) -> tuple[str, str]:
    if policy.pull_request.group:
        return f"group:{policy.pull_request.group}", policy.pull_request.group
    repository = _repository(choice.update) if choice.update else None
    return f"policy:{policy.identity}|{repository}", policy.name


def branch_name(group: Group, base: str) -> str:
    """`imagebot/<slug>-<hash>`, from the group and the base branch alone."""
    slug = re.sub(r"[^a-z0-9]+", "-", group.name.lower()).strip("-")[:40].strip("-") or "images"
    content = json.dumps([group.key, base]).encode()
    return f"{BRANCH_PREFIX}{slug}-{hashlib.sha256(content).hexdigest()[:10]}"


def build(
    group: Group,
    files: Mapping[str, bytes],
    edits_by_file: Mapping[str, tuple[Edit, ...]],
    *,
    base: str,
    branch: str | None = None,
) -> ChangeSet:
    """One change set from a group whose updates all stand in `files` (new content by path)."""
    updates = tuple(choice.update for choice in group.choices if choice.update)
    policies = [choice.policy for choice in group.choices if choice.policy]
    return ChangeSet(
        group=group.name,
        branch=branch or branch_name(group, base),
        base=base,
        title=title(group, updates),
        body=body(group.choices),
        message=message(group, updates),
        files=files,
        updates=updates,
        labels=_joined(policy.pull_request.labels for policy in policies),
        reviewers=_joined(policy.pull_request.reviewers for policy in policies),
        edits_by_file=edits_by_file,
        proposed=proposed_by(group.choices),
        explanation=_reasons(group.choices),
        is_carried_over=any(choice.is_failure for choice in group.choices),
    )


def _joined(lists: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for items in lists for item in items))


def title(group: Group, updates: Sequence[Update]) -> str:
    """A line that can be read in a list: `Update acme/api to 2.4.1 (minor)`."""
    repositories = list(dict.fromkeys(_repository(update) for update in updates))
    where = f" ({group.name})" if group.key.startswith("group:") else ""
    if len(repositories) > 1:
        return f"Update {len(repositories)} images{where}"
    name = _short(repositories[0])
    tags = list(dict.fromkeys(update.tag for update in updates))
    if len(tags) > 1:
        return f"Update {name} to {len(tags)} versions{where}"
    if all(update.reference.tag == update.tag for update in updates):
        verb = "Pin" if updates[0].digest else "Unpin"
        return f"{verb} {name} {tags[0]}{' by digest' if updates[0].digest else ''}{where}"
    step = _highest_step(updates)
    return f"Update {name} to {tags[0]}{f' ({step})' if step else ''}{where}"


def _highest_step(updates: Sequence[Update]) -> Step | None:
    order = list(Step)
    return max((update.step for update in updates if update.step), key=order.index, default=None)


def _repository(update: Update) -> Repository:
    return parse_name(update.name) if update.name else update.reference.repository


def _short(repository: Repository) -> str:
    """The last two parts of a name, enough to recognise it in a list."""
    return "/".join(repository.familiar.split("/")[-2:])


def message(group: Group, updates: Sequence[Update]) -> str:
    """The commit message: subject, what changes where, trailers (git-interpret-trailers form)."""
    lines = [title(group, updates), ""]
    for (repository, before, after), places in _by_change(updates).items():
        lines.append(f"{repository.familiar}: {before} -> {after}")
        lines += [f"  {place}" for place in places]
    trailers = dict.fromkeys(
        _trailer(choice.update, choice.policy)
        for choice in group.choices
        if choice.update and choice.policy
    )
    return "\n".join([*lines, "", *trailers]) + "\n"


def place_of(occurrence: Occurrence) -> str:
    """`file:line`, and the lines that change with it because they are aliases of the value."""
    place = f"{one_line(occurrence.file)}:{occurrence.line}"
    if not occurrence.aliases:
        return place
    shown = ", ".join(str(line) for line in occurrence.aliases[:_MAX_ALIAS_LINES])
    rest = len(occurrence.aliases) - _MAX_ALIAS_LINES
    more = f" and {rest} more" if rest > 0 else ""
    noun = "line" if len(occurrence.aliases) == 1 else "lines"
    return f"{place} (by alias also {noun} {shown}{more})"


def _by_change(updates: Sequence[Update]) -> dict[tuple[Repository, str, str], list[str]]:
    changes: dict[tuple[Repository, str, str], list[str]] = {}
    for update in updates:
        key = (_repository(update), _version(update.reference.tag, update.reference.digest),
               _version(update.tag, update.digest))  # fmt: skip
        changes.setdefault(key, []).append(place_of(update.occurrence))
    return changes


def _version(tag: str | None, digest: Digest | None) -> str:
    """Short form for people: `1.2.3`, `1.2.3@0123456789ab`."""
    return (tag or "") + (f"@{digest.short}" if digest else "")


def _trailer(update: Update, policy: Policy) -> str:
    words = {
        "image": str(_repository(update)),
        "from": update.reference.tag or "",
        "to": update.tag,
        "digest": str(update.digest or ""),
        "policy": quote(policy.identity, safe="/#"),
    }
    return f"{_UPDATE_TRAILER}: " + " ".join(f"{key}={value}" for key, value in words.items())


def proposed_in(trailers: Iterable[tuple[str, str]]) -> tuple[Proposed, ...]:
    """Read back what a commit of ours proposes. Trailers that do not parse are passed over."""
    found = []
    for key, text in trailers:
        words = dict(word.split("=", 1) for word in text.split() if "=" in word)
        if key != _UPDATE_TRAILER or not {"image", "to", "policy"} <= words.keys():
            continue
        try:
            repository = parse_name(words["image"])
            digest = Digest(words["digest"]) if words.get("digest") else None
        except InvalidReference:
            continue
        found.append(Proposed(unquote(words["policy"]), repository, words["to"], digest))
    return tuple(found)


def proposed_by(choices: Iterable[Choice]) -> tuple[Proposed, ...]:
    """What these choices propose, each once: what `proposed_in` reads of their commit."""
    offers = [
        Proposed(
            choice.policy.identity,
            _repository(choice.update),
            choice.update.tag,
            choice.update.digest,
        )
        for choice in choices
        if choice.update and choice.policy
    ]
    return tuple(dict.fromkeys(offers))


def body(choices: Sequence[Choice]) -> str:
    """The pull request's text: what changes where, why this tag, what is not taken, a record."""
    chosen = [choice for choice in choices if choice.update]
    updates = [choice.update for choice in chosen if choice.update]
    parts = [_table(updates), _reasons(chosen), _footer()]
    record = record_text(updates)
    text = "\n\n".join(part for part in parts if part)
    if len(text) + len(record) > MAX_BODY_LENGTH:
        text = text[: MAX_BODY_LENGTH - len(record)].rsplit("\n", 1)[0] + "\n\n(shortened)"
    return f"{text}\n\n{record}\n"


def fitted(body_text: str, max_characters: int) -> str:
    """The same body, shortened where a forge takes less. The record stays, if need be without its
    list; the text goes from its end."""
    if len(body_text) <= max_characters:
        return body_text
    records = list(_RECORD.finditer(body_text))
    record = records[-1][0] if records else ""
    text = body_text[: records[-1].start()] if records else body_text
    content = _content_of_record(record)
    if content is not None and len(record) > max_characters // 2:
        record = _as_comment({**content, "updates": []})
    ending = f"\n\n(shortened)\n\n{record}\n"
    return text[: max(0, max_characters - len(ending))].rsplit("\n", 1)[0] + ending


def _table(updates: Sequence[Update]) -> str:
    rows = ["| Image | From | To | Step | Files |", "| --- | --- | --- | --- | --- |"]
    merged: dict[tuple[str, str, str, str], list[str]] = {}
    for update in updates:
        cells = (
            _repository(update).familiar,
            _version(update.reference.tag, update.reference.digest) or "(none)",
            _version(update.tag, update.digest),
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


def _reasons(choices: Sequence[Choice]) -> str:
    """Why each tag was taken, and what newer tags are not proposed, a line for each image."""
    lines: dict[str, None] = {}
    for choice in choices[:_MAX_ROWS]:
        if not (choice.update and choice.policy):
            continue
        image = code_span(_repository(choice.update).familiar)
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


def record_text(updates: Sequence[Update]) -> str:
    """What is proposed, as data in an HTML comment, so that a later run can read it back.

    A list too long for a body is left out; the fingerprint still tells equal from different.
    """
    wanted = sorted({
        (str(_repository(update)), update.occurrence.file, update.tag, str(update.digest or ""))
        for update in updates
    })  # fmt: skip
    fingerprint = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()
    record = {"version": 1, "withdrawn": False, "fingerprint": fingerprint, "updates": wanted}
    text = _as_comment(record)
    return text if len(text) <= MAX_RECORD_LENGTH else _as_comment({**record, "updates": []})


def _as_comment(record: Mapping[str, object]) -> str:
    text = json.dumps(record, separators=(",", ":"), sort_keys=True)
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("--", "-\\u002d")
    return f"<!-- imagebot:record {safe} -->"


@dataclass(frozen=True, slots=True)
class Record:
    """What a pull request proposes, read back from its body."""

    fingerprint: str  # equal for equal updates: image, file, tag and digest of each
    versions: frozenset[tuple[str, str, str]]  # image, tag, digest; empty where the list was cut
    withdrawn: bool  # imagebot itself closed the request; it may be proposed again


def record_in(body_text: str) -> Record | None:
    """The last record in a pull request's body, None where a person removed or broke it."""
    content = _content_of_record(body_text)
    if content is None or not isinstance(content.get("fingerprint"), str):
        return None
    try:
        updates = content.get("updates", [])
        versions = frozenset((str(i), str(tag), str(d)) for i, _, tag, d in updates)
    except (TypeError, ValueError):
        return None
    return Record(content["fingerprint"], versions, bool(content.get("withdrawn")))


def is_declined(wanted_body: str, closed_body: str) -> bool:
    """Whether a person who closed a request has declined all that is wanted now.

    Counted by image, tag and digest: another file, or a group that lacks an image just now, does
    not bring the others back.
    """
    wanted, closed = record_in(wanted_body), record_in(closed_body)
    if wanted is None or closed is None or closed.withdrawn:
        return False
    is_part = bool(wanted.versions) and wanted.versions <= closed.versions
    return is_part or wanted.fingerprint == closed.fingerprint


def _content_of_record(body_text: str) -> dict[str, Any] | None:
    found = _RECORD.findall(body_text)
    try:
        content = json.loads(found[-1]) if found else None
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def withdrawn_body(body_text: str) -> str:
    """The same body with its record marked as closed by imagebot itself."""
    content = _content_of_record(body_text)
    if content is None:
        return body_text
    marked = _as_comment({**content, "withdrawn": True})
    return _RECORD.sub(lambda _: marked, body_text)


def state_in(body_text: str) -> RequestState:
    """What the record of a request's body says beside what is proposed."""
    content = _content_of_record(body_text)
    return request_state.from_data(content.get("state")) if content else request_state.EMPTY


def with_state(body_text: str, state: RequestState) -> str:
    """The same body with this state in its record. Without a record nothing can be kept."""
    content = _content_of_record(body_text)
    if content is None or state_in(body_text) == state:
        return body_text
    data = request_state.as_data(state)
    kept = {key: value for key, value in content.items() if key != "state"}
    marked = _as_comment({**kept, **({"state": data} if data else {})})
    start = [found.start() for found in _RECORD.finditer(body_text)][-1]
    return body_text[:start] + _RECORD.sub(lambda _: marked, body_text[start:], count=1)


def declined_by(request_body: str, *, is_closed_by_person: bool) -> tuple[Version, ...]:
    """What people declined so far: what the record remembers, and what it proposes itself."""
    record = record_in(request_body)
    before = state_in(request_body).declined
    if record is None or record.withdrawn or not is_closed_by_person:
        return before
    return tuple(dict.fromkeys((*before, *sorted(record.versions))))
