"""Text from outside, through every door of a body, rendered by a Markdown engine.

What may come of it: words and code. No link, image, mention, closing keyword or HTML but ours.
"""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from imagebot.body import UserTemplate, body
from imagebot.body.told import Told
from imagebot.details import Release
from imagebot.forges.bitbucket_texts import written as as_bitbucket_gets_it
from imagebot.records import record_in
from imagebot.texts import BREAK
from tests.body import making
from tests.making import choice

HOSTILE = [
    "@octocat please look",
    "cc @acme/admins, mail bob@example.org",
    "Fixes #1",
    "fixes acme/api#1, resolves GH-1",
    "Closes !1 and closes: #2",
    "AB#1",
    "Closes PROJ-17",
    "Resolves https://github.com/acme/api/issues/1",
    "Implements #3. Complete #4",
    "![x](https://evil.example/pixel.png)",
    "![x][1]\n\n[1]: https://evil.example/pixel.png",
    "[click](https://evil.example) [click](javascript:alert(1))",
    "[a]: https://evil.example\n\n[a]",
    "<https://evil.example> <bob@evil.example>",
    "https://evil.example www.evil.example",
    "<img src=x onerror=alert(1)><script>alert(1)</script>",
    "<!-- imagebot:record {\"fingerprint\":\"0\",\"updates\":[]} -->",
    "--> <b>out of the comment</b> <!--",
    "\n<!-- imagebot:part notes -->\n",
    "| a | b |\n| --- | --- |",
    "a|b\\|c\\\\|d",
    "```\n@octocat\n```",
    "`" * 7 + " @octocat " + "`" * 3,
    "~~~\n<b>\n~~~",
    "# Heading\n\n***\n\n> quote",
    "/approve\n/close\n/label ~bug",
    "    indented <b>code</b>",
    "1. one\n2) two\n- three\n+ four",
    "$\\href{https://evil.example}{x}$",
    "&lt;b&gt; &#64;octocat &#x40;octocat",
    "\\[x\\](https://evil.example) \\\\[x](https://evil.example)",
    "line\r\nbreak\u2028and\u2029more\x0bx\x0cx\x1b[31m",
    "\u202egnp.exe\u2066 \u200b@\u200boctocat",
    "{{ 7 * 7 }} {% raw %} {# x #}",
    "=====\n-----",
    "jlord@a5c3785ed8d6a35868bc169f07e40e889087fd2e a5c3785 [issue:123]",
    "[[wiki]] {@account} @\"Bob B\" ~label %milestone &epic ^alert#1 $snippet",
]  # fmt: skip

OURS = re.compile(r"https://github\.com/acme/api(/compare/[0-9a-f]{40}\.\.\.[0-9a-f]{40}|"
                  r"/releases/tag/v2\.4\.[01])?")  # fmt: skip
TAGS = {"p", "table", "thead", "tbody", "tr", "th", "td", "code", "pre", "strong", "em", "ul", "ol",
        "li", "blockquote", "hr", "br", "a"}  # fmt: skip
MENTION = re.compile(r"(?<![A-Za-z0-9])@[A-Za-z0-9_\"{\[-]")
REFERENCE = re.compile(r"(?<!&)[#!](?=\d)|(?i:\b(?:GH|PROJ)-\d)|AB#\d")
CLOSING = re.compile(
    r"(?i)\b(?:clos\w*|fix\w*|resolv\w*|implement\w*|complet\w*)[:\s]+\S*?(?:[#!]\d|PROJ-\d|://)"
)


class Seen(HTMLParser):
    """What a browser would get: tags with their attributes, and text outside of code."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.comments: list[str] = []
        self.prose: list[str] = []
        self._in_code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_code += tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self._in_code -= tag == "code"

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        if not self._in_code:
            self.prose.append(data)


def seen(text: str) -> Seen:
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser = Seen()
    parser.feed(markdown.render(text))
    parser.close()
    return parser


def is_harmless(text: str) -> None:
    """Raises AssertionError where anything but ours came of the text."""
    found = seen(text)
    for tag, attributes in found.tags:
        assert tag in TAGS, tag
        if tag == "a":
            assert OURS.fullmatch(attributes.get("href") or ""), attributes
        else:
            assert not set(attributes) - {"class", "start", "style"}, (tag, attributes)
    for comment in found.comments:
        assert re.fullmatch(r" imagebot:(part [a-z-]+|record \{.*\}) ", comment, re.DOTALL), comment
    prose = "\n".join(found.prose)
    assert not MENTION.search(prose), MENTION.findall(prose)
    assert not REFERENCE.search(prose), REFERENCE.findall(prose)
    assert "://" not in prose
    assert "www." not in prose
    assert not CLOSING.search(text), CLOSING.findall(text)  # GitLab reads the text as it is written
    assert not any(re.match(r"\s*/[a-z]", line) for line in text.splitlines())
    record = record_in(text)
    assert record is not None
    assert record.fingerprint != "0"


def bodied(hostile: str, *, template: UserTemplate | None = None) -> str:
    """A body with that text in every place that somebody else can write to."""
    one = choice("ghcr.io/acme/api:2.3.0", "2.4.1", file=f"apps/{hostile}/x.yaml", reason=hostile)
    labels = {**making.NEW.labels, hostile: hostile, "org.opencontainers.image.title": hostile,
              "org.opencontainers.image.base.name": hostile}  # fmt: skip
    new = replace(
        making.NEW,
        labels=labels,
        user=hostile,
        working_dir=hostile,
        entrypoint=(hostile,),
        command=(hostile,),
        ports=(hostile,),
        volumes=(hostile,),
        env_names=(hostile,),
        platform=hostile,
    )
    old = replace(making.OLD, platform=hostile)
    releases = (
        Release("v2.4.0", hostile, "https://github.com/acme/api/releases/tag/v2.4.0", "", hostile),
        Release(hostile, "title", "https://evil.example", "2026-01-01", f"* {hostile}\n{hostile}"),
        Release("v1", "t", f"https://github.com/acme/api) [x]({hostile}", "", f"# {hostile}"),
    )
    source = f"image: ghcr.io/acme/api:2.3.0 # {hostile}\n".encode()
    made = (making.edit(source, b"2.3.0", b"2.4.1"),)
    of = making.step("ghcr.io/acme/api", "2.3.0", "2.4.1")
    file = one.occurrence.file
    told: Told = making.told(of, old, new, releases)
    return body(
        [one], before={file: source}, edits_by_file={file: made}, told=told, template=template
    )


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_shows_as_text(hostile: str) -> None:
    is_harmless(bodied(hostile))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_template_that_shows_values_bare_shows_them_as_text(hostile: str) -> None:
    template = UserTemplate("t.jinja", (
        "{% for image in images %}\n{{ image.name }} {{ image.platform }}\n"
        "{% for row in image.differences %}\n"
        "{{ row.what }}\n\n{{ row.after }}\n\n{{ row.after|upper }}\n\n"
        "{{ row.after + row.after }}\n\n"
        "{% endfor %}\n"
        "{% for release in image.releases %}\n"
        "{{ release.title }}\n\n{{ release.text|trim }}\n\n{{ release.link|lower }}\n\n"
        "{% endfor %}\n{{ image.places|join('\n') }}\n\n{{ why|trim }}\n{% endfor %}"
    ))  # fmt: skip
    text = bodied(hostile, template=template)
    assert "imagebot's own" not in text
    is_harmless(text)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_shows_as_text_on_bitbucket_too(hostile: str) -> None:
    sent = as_bitbucket_gets_it(bodied(hostile))
    found = seen(sent)
    assert {tag for tag, _ in found.tags} <= TAGS
    hrefs = [attributes.get("href") or "" for tag, attributes in found.tags if tag == "a"]
    assert all(OURS.fullmatch(href) for href in hrefs)
    assert "[//]: #" not in "".join(found.prose)  # marks and record are not shown


@settings(deadline=None, max_examples=150)
@given(
    st.text(max_size=120)
    | st.lists(
        st.sampled_from([*"@#!<>[]()`*_~|\\/&:.-+ \n\r\t{}\"'$1aZ", "https://", "www.", "fixes ",
                         "-->", "<!--", "AB#", BREAK, "&lt;", "&#64;", "![", "]("]),
        max_size=40,
    ).map("".join)
)  # fmt: skip
def test_any_text_shows_as_text(text: str) -> None:
    is_harmless(bodied(text))
