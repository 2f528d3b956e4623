"""Markdown and build statuses as both Bitbuckets have them. HTML is shown as it is written. Pure.

An HTML comment becomes a link definition that nothing links to, which is not shown; it is read
back as the comment. A line break in a table's cell becomes a comma.
"""

import re
from urllib.parse import quote, unquote

from imagebot.talk import CommitStatus, StatusState

_STATES = {
    StatusState.PENDING: "INPROGRESS",
    StatusState.SUCCESS: "SUCCESSFUL",
    StatusState.FAILURE: "FAILED",
}
_COMMENT = re.compile(r"(?m)^<!-- (.*) -->$")
_DEFINITION = re.compile(r"(?m)^\[//\]: # \((.*)\)$")
_BREAK = re.compile(r"(?<=`)<br>(?=`|and )")
# All of ASCII but what would end the parentheses or be taken for an escape.
_PLAIN = "".join(chr(code) for code in range(32, 127) if chr(code) not in "()\\%")


def written(text: str) -> str:
    """What is sent."""
    text = _BREAK.sub(", ", text)
    return _COMMENT.sub(lambda found: f"[//]: # ({quote(found[1], safe=_PLAIN)})", text)


def read(text: str) -> str:
    """What was meant by what is kept there."""
    kept = text.replace("\r\n", "\n")
    return _DEFINITION.sub(lambda found: f"<!-- {unquote(found[1])} -->", kept)


def build_status(status: CommitStatus, page_url: str) -> dict[str, str]:
    """What is sent for a status. Without an address of its own it leads to the commit's page."""
    return {
        "key": status.context,
        "name": status.context,
        "state": _STATES[status.state],
        "description": status.text,
        "url": status.url or page_url,
    }
