"""What is to be written on a pull request, compared with what a forge keeps of it. Pure."""

from dataclasses import replace

from imagebot.errors import ForgeError
from imagebot.proposals import ChangeSet, PullRequest


def refuse_long_body(changes: ChangeSet, max_characters: int) -> None:
    """Shortening is the change set's work, which knows what may go; a forge would cut or refuse."""
    if len(changes.body) > max_characters:
        raise ForgeError(
            f"the text of the pull request for {changes.branch} has {len(changes.body)} "
            f"characters; the forge takes {max_characters}",
            hint="split the group into smaller ones",
        )


def as_kept(text: str) -> str:
    """Without what forges change on the way: line ends, and white space at the end."""
    return text.replace("\r\n", "\n").rstrip()


def differing(pull_request: PullRequest, *, title: str, body: str) -> dict[str, str]:
    """`title` and `body` where they are not what the pull request says already."""
    pairs = {"title": (pull_request.title, title), "body": (pull_request.body, body)}
    return {
        name: wanted
        for name, (written, wanted) in pairs.items()
        if as_kept(written) != as_kept(wanted)
    }


def missing_labels(pull_request: PullRequest, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Labels to add. Those that a person put there stay; forges compare names without case."""
    present = {label.casefold() for label in pull_request.labels}
    return tuple(label for label in wanted if label.casefold() not in present)


def renewed(
    pull_request: PullRequest, texts: dict[str, str], labels: tuple[str, ...]
) -> PullRequest:
    """The pull request after these changes, without asking the forge again.

    Its version is not known any more, since the changes made it another.
    """
    if not texts and not labels:
        return pull_request
    changed = replace(pull_request, labels=pull_request.labels + labels, version="")
    return replace(changed, **texts)  # type: ignore[arg-type]
