"""Commit messages, and the trailers in which a later run reads what a commit proposes.

Pure. What `message` writes as trailers, `proposed_in` reads back.
"""

from collections.abc import Iterable, Sequence
from urllib.parse import quote, unquote

from imagebot.errors import InvalidReference
from imagebot.image import Digest, Repository, parse_name
from imagebot.model import Choice, Update
from imagebot.policy.model import Policy
from imagebot.proposals import Proposed
from imagebot.texts import unmentioning
from imagebot.titles import place_of, version_text

_UPDATE_TRAILER = "Imagebot-Update"


def message(title: str, choices: Sequence[Choice]) -> str:
    """The commit message: subject, what changes where, trailers (git-interpret-trailers form)."""
    lines = [title, ""]
    for (repository, before, after), places in _by_change(
        choice.update for choice in choices if choice.update
    ).items():
        lines.append(f"{repository.familiar}: {before} -> {after}")
        lines += [f"  {unmentioning(place)}" for place in places]
    trailers = dict.fromkeys(
        _trailer(choice.update, choice.policy)
        for choice in choices
        if choice.update and choice.policy
    )
    return "\n".join([*lines, "", *trailers]) + "\n"


def _by_change(updates: Iterable[Update]) -> dict[tuple[Repository, str, str], list[str]]:
    changes: dict[tuple[Repository, str, str], list[str]] = {}
    for update in updates:
        key = (update.repository, version_text(update.reference.tag, update.reference.digest),
               version_text(update.tag, update.digest))  # fmt: skip
        changes.setdefault(key, []).append(place_of(update.occurrence))
    return changes


def _trailer(update: Update, policy: Policy) -> str:
    words = {
        "image": str(update.repository),
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
            choice.update.repository,
            choice.update.tag,
            choice.update.digest,
        )
        for choice in choices
        if choice.update and choice.policy
    ]
    return tuple(dict.fromkeys(offers))
