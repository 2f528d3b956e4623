"""Dockerfiles: `FROM`, `COPY --from`, `RUN --mount=from=`, `# syntax=`, and defaults of `ARG`.

Pure. Instructions are read as BuildKit's parser reads them: parser directives, continuation
lines with comments between them, heredocs. Stages of the file itself and `scratch` are no
images. A tag that an `ARG` before the first `FROM` gives is edited there.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from imagebot.formats.composed import Fragment, Fragments, NotWritten, expand_shell, record
from imagebot.formats.page import Page

NAME = "dockerfile"
_FILE_NAME = re.compile(
    r"(?:docker|container)file(?:\.[\w.-]+|-[\w-]+)?|[\w.-]+\.(?:docker|container)file", re.I
)
_OTHER_ENDINGS = (".dockerignore", ".containerignore", ".md", ".txt", ".sh", ".json", ".py")
_DIRECTIVE = re.compile(rb"#[ \t]*([A-Za-z]+)[ \t]*=[ \t]*(\S*)[ \t]*\Z")
_INSTRUCTION = re.compile(rb"[ \t]*(?:onbuild[ \t]+)?([A-Za-z]+)(?=[ \t]|\Z)", re.I)
_WORD = re.compile(rb"""(?:"[^"]*"|'[^']*'|[^\s"']+|["'])+""")  # linear, so no escapes
_TERMINATOR = re.compile(rb"\t*([A-Za-z_][\w.-]*)[ \t]*")
_HEREDOC = re.compile(rb"""[0-9]*<<-?(["']?)([A-Za-z_][\w.-]*)\1""")
_FLAG = re.compile(rb"--[a-z]")
_ARGUMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.S)
_MAX_LINES = 20_000


class Word(NamedTuple):
    """A word of an instruction, and the byte it starts at."""

    text: bytes
    start: int


class Instruction(NamedTuple):
    """One instruction: its name in upper case, its words, and where it starts."""

    name: str
    words: tuple[Word, ...]
    start: int


@dataclass(slots=True)
class _Build:
    """What the instructions read so far have defined."""

    stages: set[str] = field(default_factory=set)
    stage_count: int = 0
    arguments: dict[str, Fragments] = field(default_factory=dict)
    given: Mapping[str, Fragments] = field(default_factory=dict)  # instead of defaults


def is_named_so(file: str) -> bool:
    """Whether docker build's users give a Dockerfile such a name."""
    name = file.rpartition("/")[2]
    return _FILE_NAME.fullmatch(name) is not None and not name.lower().endswith(_OTHER_ENDINGS)


def read(page: Page) -> None:
    """Record the images of a whole file."""
    if page.source.count(b"\n") > _MAX_LINES:
        page.report(0, f"more than {_MAX_LINES:,} lines, so the Dockerfile is not read")
        return
    read_lines(page, list(_lines(page.source)))


def read_lines(page: Page, lines: list[Word], given: Mapping[str, Fragments] | None = None) -> None:
    """Record the images of a Dockerfile, whose lines need not be a file's own.

    `given`: what whoever builds sets for an `ARG`; empty where that cannot be edited.
    """
    escape = _read_directives(page, lines)
    build = _Build(given=given or {})
    for instruction in instructions(lines, escape):
        if instruction.name == "ARG" and not build.stage_count:
            _argument(instruction, build)
        elif instruction.name == "FROM":
            _from(page, instruction, build)
        elif instruction.name in ("COPY", "RUN"):
            _flags(page, instruction, build)


def _lines(source: bytes) -> Iterator[Word]:
    """Lines without their ends. A byte-order mark is no part of the first."""
    start = 3 if source.startswith(b"\xef\xbb\xbf") else 0
    while start < len(source):
        end = source.find(b"\n", start)
        end = len(source) if end < 0 else end
        yield Word(source[start:end].rstrip(b"\r"), start)
        start = end + 1


def _read_directives(page: Page, lines: list[Word]) -> bytes:
    """Record `# syntax=`, and give back the escape character."""
    escape = b"\\"
    for text, start in lines:
        found = _DIRECTIVE.match(text)
        if found is None:
            break  # directives stand at the top only
        name, value = found[1].lower(), found[2]
        if name == b"escape" and value in (b"`", b"\\"):
            escape = value
        elif name == b"syntax" and value:
            fragment = _fragment(Word(value, start + found.start(2)))
            record(page, "# syntax", NAME, (fragment,), fragment.start)
    return escape


def instructions(lines: list[Word], escape: bytes = b"\\") -> Iterator[Instruction]:
    """Join continuation lines, and leave out comments and the bodies of heredocs."""
    terminators: dict[bytes, list[int]] = {}
    for number, line in enumerate(lines):
        if found := _TERMINATOR.fullmatch(line.text):
            terminators.setdefault(found[1], []).append(number)
    index = 0
    while index < len(lines):
        parts: list[Word] = []
        goes_on = True
        while goes_on and index < len(lines):
            text, start = lines[index]
            index += 1
            is_remark = text.lstrip().startswith(b"#")
            if is_remark or (parts and not text.strip()):
                goes_on = bool(parts)  # comments and blank lines do not end a continuation
                continue
            goes_on = text.rstrip().endswith(escape)
            parts.append(Word(text.rstrip()[:-1] if goes_on else text, start))
        found = _INSTRUCTION.match(parts[0].text) if parts else None
        if found is None:
            continue
        first = Word(parts[0].text[found.end() :], parts[0].start + found.end())
        words = tuple(
            Word(word[0], part.start + word.start())
            for part in (first, *parts[1:])
            for word in _WORD.finditer(part.text)
        )
        name = found[1].decode().upper()
        yield Instruction(name, words, parts[0].start)
        if name in ("RUN", "COPY", "ADD"):
            index = _after_heredocs(terminators, index, words)


def _after_heredocs(
    terminators: dict[bytes, list[int]], index: int, words: tuple[Word, ...]
) -> int:
    """The line behind the heredocs of an instruction; one that never ends is none."""
    for word in words:
        found = _HEREDOC.fullmatch(word.text)
        if found is None:
            continue
        ends = terminators.get(found[2], [])
        at = bisect_left(ends, index)
        index = ends[at] + 1 if at < len(ends) else index
    return index


def _argument(instruction: Instruction, build: _Build) -> None:
    """Keep the defaults of an ARG. One default may use an earlier one."""
    for word in instruction.words:
        text = word.text.decode(errors="replace")
        found = _ARGUMENT.fullmatch(text)
        name = found[1] if found else text
        if name in build.given:
            build.arguments[name] = build.given[name]
            continue
        if found is None:
            continue
        equals = word.text.index(b"=") + 1
        value = _fragment(Word(word.text[equals:], word.start + equals))
        try:
            build.arguments[found[1]] = expand_shell(value, build.arguments)
        except NotWritten:
            build.arguments.pop(found[1], None)


def _fragment(word: Word) -> Fragment:
    """A word without the quotes around it."""
    text, start = word
    if len(text) > 1 and text[:1] in (b'"', b"'") and text[-1:] == text[:1]:
        text, start = text[1:-1], start + 1
    return Fragment(text.decode(errors="replace"), start)


def _from(page: Page, instruction: Instruction, build: _Build) -> None:
    words = [word for word in instruction.words if not _FLAG.match(word.text)]
    if words:
        _image(page, f"FROM[{build.stage_count}]", _fragment(words[0]), build)
    build.stage_count += 1
    if len(words) > 2 and words[1].text.lower() == b"as":
        build.stages.add(words[2].text.decode(errors="replace").lower())


def _flags(page: Page, instruction: Instruction, build: _Build) -> None:
    """`COPY --from=IMAGE`, and `from=IMAGE` among the options of `RUN --mount=`."""
    for word in instruction.words:
        if not _FLAG.match(word.text):
            return  # flags come first
        flag, _, value = word.text.partition(b"=")
        start = word.start + len(flag) + 1
        if instruction.name == "COPY" and flag == b"--from":
            _image(page, "COPY --from", _fragment(Word(value, start)), build)
        elif instruction.name == "RUN" and flag == b"--mount":
            for option in value.split(b","):
                if option.startswith(b"from="):
                    image = _fragment(Word(option[5:], start + 5))
                    _image(page, "RUN --mount", image, build)
                start += len(option) + 1


def _image(page: Page, address: str, fragment: Fragment, build: _Build) -> None:
    """Record an image, unless the name is that of a stage."""
    unknown = (name for name, value in build.arguments.items() if not value)
    if any(re.search(rf"\$\{{?{name}\b", fragment.text) for name in unknown):
        message = "an image is made of an ARG whose value is given elsewhere and cannot be edited"
        page.report(fragment.start, message, hint="write it in build.args", address=address)
        return
    try:
        fragments = expand_shell(fragment, build.arguments)
    except NotWritten as reason:
        hint = "give its ARG a default before the first FROM"
        page.report(fragment.start, str(reason), hint=hint, address=address)
        return
    name = "".join(each.text for each in fragments).lower()
    is_index = name.isdecimal() and not address.startswith("FROM")
    if name and name != "scratch" and name not in build.stages and not is_index:
        record(page, address, NAME, fragments, fragment.start)
