"""Unified diffs that `git apply` and `patch` take, whatever the file's name and line ends are."""

import difflib

_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}


def file_diff(file: str, before: bytes, after: bytes) -> bytes:
    """The change of one file. Lines end at LF alone, as for git; a lone CR is part of its line."""
    lines = difflib.diff_bytes(
        difflib.unified_diff,
        _lines(before),
        _lines(after),
        _header("a/", file),
        _header("b/", file),
    )
    return b"".join(
        line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"
        for line in lines
    )


def _lines(text: bytes) -> list[bytes]:
    whole = [line + b"\n" for line in text.split(b"\n")]
    whole[-1] = whole[-1].removesuffix(b"\n")
    return whole if whole[-1] else whole[:-1]


def _header(side: str, file: str) -> bytes:
    """A name as git writes it: quoted where it would deceive an eye or a parser.

    What follows a name with a space is a tab, by which the tools know the name's end.
    """
    name = side + file
    if name.isprintable() and not set(name) & {'"', "\\"}:
        return name.encode() + (b"\t" if " " in name else b"")
    return b'"%s"' % b"".join(map(_escaped, name.encode("utf-8", "surrogateescape")))


def _escaped(byte: int) -> bytes:
    if byte in _ESCAPES:
        return f"\\{_ESCAPES[byte]}".encode()
    return bytes([byte]) if 32 <= byte < 127 else f"\\{byte:03o}".encode()
