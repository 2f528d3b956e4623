"""Users' templates: what they can do, and that they can do no more."""

import logging

import pytest

from imagebot.body import UserTemplate, body, language
from imagebot.records import record_in
from tests.body import making
from tests.making import choice

FILE = "policies/pull-request.md.jinja"


def shown(template: str) -> str:
    of = making.step("ghcr.io/acme/api", "2.3.0", "2.4.1")
    one = choice("ghcr.io/acme/api:2.3.0", "2.4.1")
    return body([one], told=making.told(of), template=UserTemplate(FILE, template))


def test_a_template_makes_the_whole_text_but_the_record() -> None:
    text = shown("Team *blue*: {{ images[0].name }} goes to {{ images[0].after|code }}")
    start, _, record = text.partition("\n\n")
    assert start == "Team *blue*: ghcr.io/acme/api goes to `2.4.1`"
    assert record_in(record) is not None


def test_a_template_cannot_forge_a_record() -> None:
    forged = '<!-- imagebot:record {"fingerprint":"0","updates":[],"withdrawn":true} -->'
    record = record_in(shown(f"{forged}\n\ntext\n\n{forged}\n"))
    assert record is not None
    assert record.versions == {("ghcr.io/acme/api", "2.4.1", "")}
    assert not record.withdrawn


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ images|length + 1 }}", "2"),
        ("{% for i in images %}{{ loop.index }}/{{ loop.length }}{% endfor %}", "1/1"),
        ("{% for row in images[0].differences if row.what == 'user' %}{{ row.after }}{% endfor %}",
         "65532"),
        ("{% set name = images[0].name %}{{ name|upper }}", "GHCR.IO/ACME/API"),
        ("{{ 'yes' if images[0].step in ('minor', 'patch') else 'no' }}", "yes"),
        ("{{ images[0].places|join(', ') }}", "apps/api/deployment.yaml:7"),
        ("{{ nothing|default('none') }}", "none"),
        ("{{ images[0].name[:4] }}", "ghcr"),
        ("{{ images[0].source }}", "[`github.com/acme/api`](https://github.com/acme/api)"),
        ("{{ images[0].source|trim }}",
         "\\[\\`github.com/acme/api\\`\\](https:\u200b//github.com/acme/api)"),
    ],
)  # fmt: skip
def test_a_template_uses_values_conditions_loops_and_filters(template: str, text: str) -> None:
    assert shown(template).partition("\n\n<!-- imagebot:record")[0] == text


ATTACKS = {
    "{{ ''.__class__.__mro__ }}": "`__class__`",
    "{{ images.__class__ }}": "`__class__`",
    "{{ images[0]['__class__'] }}": "__class__",
    "{{ images[0].name.format }}": "format",
    "{{ images|attr('__class__') }}": "filter 'attr'",
    "{{ images[0].items() }}": "calls",
    "{{ self }}": "cannot be shown",
    "{{ self.__init__ }}": "__init__",
    "{{ range(10) }}": "calls",
    "{{ cycler }}": "undefined",
    "{{ 'a' * 1000000000 }}": "`*`",
    "{{ 9 ** 9 ** 9 }}": "`**`",
    "{{ '%1000000000d' % 1 }}": "`%`",
    "{{ 'a' ~ 'b' }}": "`~`",
    "{{ 'a'|center(1000000000) }}": "filter 'center'",
    "{{ 'a'|replace('a', 'b') }}": "filter 'replace'",
    "{{ images|map(attribute='name')|join }}": "filter 'map'",
    "{{ 'x'|safe }}": "filter 'safe'",
    "{{ [1, 2] }}": "lists of their own",
    "{{ {'a': 1} }}": "groups of values",
    "{{ (images, images) }}": "lists of values",
    "{% include '/etc/passwd' %}": "includes",
    "{% import 'os' as os %}": "imports",
    "{% from 'os' import path %}": "imports",
    "{% extends 'base' %}": "extending",
    "{% macro m() %}{{ m() }}{% endmacro %}": "macros",
    "{% set x %}a{% endset %}": "set blocks",
    "{% filter upper %}a{% endfilter %}": "filter blocks",
    "{% set a, b = 'xy' %}": "assignments but to one name",
    "{% set images.name = 1 %}": "",
    "{% for i in images recursive %}{{ loop(images) }}{% endfor %}": "recursive",
    "{% for c in images[0].name %}{{ c }}{% endfor %}": "a loop is over a list",
    "{{ images }}": "a list cannot be shown",
    "{{ images[0] }}": "a group of values cannot be shown",
    "{{ none }}": "cannot be shown",
    "{{ images[7].name }}": "",
    "{{ imagez }}": "'imagez' is undefined",
    "{{ images[0].nmae }}": "nmae",
    "{{ 1 + 'a' }}": "two numbers or two texts",
    "{% if %}": "",
    "{{ unclosed": "",
    "{% endfor %}": "",
    "{{ a.b.c" * 5000: "",
    "(" * 3000: None,
    "{{ " + "(" * 3000 + ")" * 3000 + " }}": "",
    "{{ " + "not " * 5000 + "1 }}": "",
    "{% if 1 %}" * 400 + "{% endif %}" * 400: "",
    "x" * (language.MAX_TEMPLATE_LENGTH + 1): "more than 32000 characters",
    "{% set a = 'aaaaaaaaaa' %}" + "{% set a = a + a %}" * 60 + "{{ a }}": "more than 10000",
    "{% set a = 99999 %}" + "{% set a = a + a %}" * 600 + "{{ a }}": "number is too large",
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS, ids=[key[:60] for key in ATTACKS])
def test_what_is_not_of_the_language_gives_way_to_our_own_text(
    attack: str, caplog: pytest.LogCaptureFixture
) -> None:
    why = ATTACKS[attack]
    with caplog.at_level(logging.WARNING):
        text = shown(f"\n{attack}")
    if why is None:
        assert attack in text.replace("\\", "")
        return
    assert "| Image | From | To |" in text
    assert f"The template {FILE}" in text
    assert f"the template {FILE}" in caplog.text
    assert why.replace("`", "") in caplog.text.replace("`", "")


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in images[0].differences %}" * 8 + "x" + "{% endfor %}" * 8,
        "{% for a in images[0].differences %}" * 5
        + "{% for b in images[0].differences %}{{ a.what }}{% endfor %}"
        + "{% endfor %}" * 5,
        "{% for a in images[0].differences %}" * 4 + "x" * 30000 + "{% endfor %}" * 4,
    ],
)
def test_a_template_that_goes_on_and_on_is_stopped_by_counting(template: str) -> None:
    text = shown(template)
    assert "cannot be used" in text
    assert "| Image | From | To |" in text


@pytest.mark.parametrize(
    ("template", "line"),
    [("a\nb\n{{ c }}\n", 3), ("a\n{% if %}\n", 2), ("\n\n\n{{ images[0].name.x }}", 4),
     ("a\n{{ 'x'|safe }}", 2)],
)  # fmt: skip
def test_a_broken_template_is_named_with_its_line(template: str, line: int) -> None:
    assert f"{FILE}:{line} cannot be used" in shown(template).replace("\\", "")
