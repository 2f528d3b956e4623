"""Who owns the files that change, by the CODEOWNERS of GitHub, GitLab and Gitea.

Pure. Takes the file's bytes and the changed paths; gives back whom to ask for review. Each forge
reads the file its own way:

- GitHub: gitignore's patterns, of which the last that matches counts, also when it names nobody.
- GitLab: the same for each section; `^[Section]` is optional, so nobody is asked for it; an entry
  without owners has those of its section; `!pattern` takes paths out of the section.
- Gitea: regular expressions (Go's, which are RE2) over the whole path; all that match count, and
  `!` turns one round.

Sources: docs.github.com "About code owners", docs.gitlab.com "Code Owners syntax", docs.gitea.com
"Code Owners".
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from imagebot.errors import PolicyError
from imagebot.patterns import Pattern

MAX_BYTES = 1024 * 1024
MAX_RULES = 5_000
MAX_PATHS = 1_000  # looked at
MAX_REVIEWERS = 15  # asked; more is nobody
_OWNER = re.compile(
    r"@([A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*){0,10})", re.ASCII
)
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}", re.ASCII)
_WORD = re.compile(r"(?:\\.|[^\s\\])+|\\$")
_ESCAPED = re.compile(r"\\([ #])")
_SECTION = re.compile(r"(\^?)\[([^\]]{1,200})\](?:\[[0-9]{1,3}\])?(.*)")


class Dialect(StrEnum):
    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"


# Where each forge looks, the first that is there counts.
FILES = {
    Dialect.GITHUB: (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"),
    Dialect.GITLAB: ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"),
    Dialect.GITEA: ("CODEOWNERS", "docs/CODEOWNERS", ".gitea/CODEOWNERS"),
}


# By the name of the forge. The others have no such file, or one that names people in another way:
# Bitbucket Cloud's has e-mail addresses and groups, the Data Center's rules of its own.
DIALECTS = {
    "github": Dialect.GITHUB,
    "gitlab": Dialect.GITLAB,
    "gitea": Dialect.GITEA,
    "forgejo": Dialect.GITEA,
}


@dataclass(frozen=True, slots=True)
class Unread:
    """A line that means nothing, which the forge passes over, too; or all from there on."""

    line: int  # 1-based
    why: str


@dataclass(frozen=True, slots=True)
class Owners:
    """Whom to ask, in the order in which the paths name them.

    `emails` cannot be asked by name; a forge may know whose they are.
    """

    reviewers: tuple[str, ...] = ()  # user names, or org/team, without @
    emails: tuple[str, ...] = ()
    unread: tuple[Unread, ...] = ()
    left_out: int = 0  # reviewers beyond MAX_REVIEWERS


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: Pattern
    owners: tuple[str, ...]
    is_negative: bool = False


@dataclass(slots=True)
class _Section:
    """Rules of which each path has one. A file without sections is one."""

    is_optional: bool = False
    owners: tuple[str, ...] = ()
    rules: list[_Rule] = field(default_factory=list)

    def owners_of(self, path: str) -> tuple[str, ...]:
        """Those of the last rule that matches."""
        if any(rule.is_negative and rule.pattern.is_in(path) for rule in self.rules):
            return ()
        usual = (rule for rule in reversed(self.rules) if not rule.is_negative)
        return next((rule.owners for rule in usual if rule.pattern.is_in(path)), ())


def owners_of(source: bytes, dialect: Dialect, paths: Sequence[str]) -> Owners:
    """Who owns these paths, by the content of a CODEOWNERS file."""
    if len(source) > MAX_BYTES:
        return Owners(unread=(Unread(1, f"the file is larger than {MAX_BYTES // 1024} KiB"),))
    unread: list[Unread] = []
    sections = _sections(source.decode(errors="replace"), dialect, unread)
    found: dict[str, None] = {}
    for path in paths[:MAX_PATHS]:
        for section in sections:
            owners = (
                _all_owners(section, path) if dialect is Dialect.GITEA else section.owners_of(path)
            )
            if section.is_optional or not owners:
                continue
            found |= dict.fromkeys(owners)
    names = [owner[1:] for owner in found if owner.startswith("@")]
    return Owners(
        reviewers=tuple(names[:MAX_REVIEWERS]),
        emails=tuple(owner for owner in found if not owner.startswith("@"))[:MAX_REVIEWERS],
        unread=tuple(unread),
        left_out=max(0, len(names) - MAX_REVIEWERS),
    )


def _all_owners(section: _Section, path: str) -> tuple[str, ...]:
    return tuple(
        owner
        for rule in section.rules
        if rule.pattern.is_in(path) is not rule.is_negative
        for owner in rule.owners
    )


# Reading


def _sections(text: str, dialect: Dialect, unread: list[Unread]) -> list[_Section]:
    sections = {"": _Section()}
    current = sections[""]
    rule_count = 0
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        header = _SECTION.fullmatch(line) if dialect is Dialect.GITLAB else None
        if header:
            current = _opened(sections, header)
            continue
        rule_count += 1
        if rule_count > MAX_RULES:
            unread.append(Unread(number, f"only the first {MAX_RULES} rules are read"))
            break
        try:
            current.rules.append(_rule(line, dialect, current))
        except PolicyError as error:
            unread.append(Unread(number, str(error)))
    return list(sections.values())


def _opened(sections: dict[str, _Section], header: re.Match[str]) -> _Section:
    """The section of a header; one that was there already goes on, whatever its case."""
    name = header[2].strip()
    owners = tuple(_owners(header[3].split()))
    fresh = _Section(bool(header[1]), owners)
    section = sections.setdefault(name.lower(), fresh)
    section.owners = owners
    return section


def _rule(line: str, dialect: Dialect, section: _Section) -> _Rule:
    words = list(_words(line))
    if not words:
        raise PolicyError("no pattern stands here")
    written, *rest = words
    is_negative = written.startswith("!") and dialect is not Dialect.GITHUB
    text = written.removeprefix("!") if is_negative else written
    if dialect is Dialect.GITHUB and (written.startswith("!") or "[" in written):
        raise PolicyError(f"GitHub knows no ! and [ ] here: {written[:40]!r}")
    owners = tuple(_owners(rest))
    if dialect is Dialect.GITEA and not owners:
        raise PolicyError("the line names no owner")
    if dialect is Dialect.GITLAB and not owners:
        owners = section.owners
    return _Rule(Pattern.compile(_translated(text, dialect)), owners, is_negative)


def _words(line: str) -> Iterator[str]:
    """Words of a line; a backslash takes a blank in, and a `#` that begins a word ends the line."""
    for found in _WORD.finditer(line):
        if found[0].startswith("#"):
            return
        yield found[0]


def _owners(words: Sequence[str]) -> Iterator[str]:
    """Owners with their @, and e-mail addresses. Roles of GitLab (`@@developer`) are nobody."""
    for word in words:
        if word.startswith("#"):
            return
        if _OWNER.fullmatch(word) or _EMAIL.fullmatch(word):
            yield word


def _translated(written: str, dialect: Dialect) -> str:
    """The pattern as a regular expression over the whole path."""
    if dialect is Dialect.GITEA:
        unescaped = _ESCAPED.sub(r"\1", written)
        return f"^(?:{unescaped.removeprefix('/')})$"
    is_anchored = written.startswith("/")
    if dialect is Dialect.GITHUB:
        is_anchored = "/" in written.rstrip("/")
    body = written.strip("/")
    if not body:
        raise PolicyError(f"{written!r} is no pattern")
    return f"^{'' if is_anchored else '(?:.*/)?'}{_globbed(body)}{_below(written, dialect)}$"


def _below(written: str, dialect: Dialect) -> str:
    """Whether what lies in a folder of that name is meant, too."""
    if written.endswith("/"):
        return "/.*"
    last = written.rpartition("/")[2]
    is_folder = dialect is Dialect.GITHUB and not (last == "*" and "/" in written)
    return "(?:/.*)?" if is_folder else ""


_GLOB = re.compile(r"/\*\*/|^\*\*/|/\*\*$|\*+|\?|\\.|[^*?\\/]+|/|\\$")


def _globbed(body: str) -> str:
    return "".join(_piece(piece[0]) for piece in _GLOB.finditer(body))


def _piece(piece: str) -> str:
    if piece == "/**/":
        return "/(?:.*/)?"
    if piece == "**/":
        return "(?:.*/)?"
    if piece == "/**":
        return "/.*"
    if set(piece) == {"*"}:
        return "[^/]*"
    if piece == "?":
        return "[^/]"
    return re.escape(piece[1:] if piece.startswith("\\") and len(piece) > 1 else piece)
