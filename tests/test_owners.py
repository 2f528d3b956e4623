"""Who owns the files that change, as each forge reads its CODEOWNERS."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot import owners
from imagebot.owners import Dialect, Owners, owners_of


def asked(text: str, *paths: str, dialect: Dialect = Dialect.GITHUB) -> tuple[str, ...]:
    return owners_of(text.encode(), dialect, paths).reviewers


@pytest.mark.parametrize(
    ("pattern", "owned", "others"),
    [
        ("*", ["a", "a/b/c"], []),
        ("*.yaml", ["a.yaml", "x/y/a.yaml"], ["a.yml", "a.yamlx"]),
        ("/build/logs/", ["build/logs/x", "build/logs/a/b"], ["build/logs", "a/build/logs/x"]),
        ("docs/*", ["docs/a.md"], ["docs/b/a.md", "x/docs/a.md"]),
        ("apps/", ["apps/a", "x/apps/a/b"], ["apps", "myapps/a"]),
        ("/docs/", ["docs/a/b"], ["x/docs/a"]),
        ("/apps/github", ["apps/github", "apps/github/a"], ["apps/github2", "x/apps/github"]),
        ("**/logs", ["logs/a", "build/logs/x", "logs"], ["mylogs/x"]),
        ("a/**/z", ["a/z", "a/b/z", "a/b/c/z"], ["az", "b/a/z"]),
        ("a/**", ["a/b", "a/b/c"], ["a"]),
        (r"a\ b/", ["a b/x"], ["a/x"]),
        (r"/a\#b", ["a#b"], ["a"]),
        ("/a?.txt", ["ab.txt"], ["a.txt", "a/.txt"]),
        ("/a+(b).c", ["a+(b).c"], ["aab.c"]),
    ],
)
def test_patterns_of_github_mean_what_gitignore_means(
    pattern: str, owned: list[str], others: list[str]
) -> None:
    for path in owned:
        assert asked(f"{pattern} @ann", path) == ("ann",), path
    for path in others:
        assert asked(f"{pattern} @ann", path) == (), path


def test_the_last_that_matches_counts_also_when_it_names_nobody() -> None:
    text = "* @all\n/apps/ @acme/apps @bob  # inline words\n/apps/free/\n"
    assert asked(text, "x") == ("all",)
    assert asked(text, "apps/a") == ("acme/apps", "bob")
    assert asked(text, "apps/free/a") == ()
    assert asked(text, "apps/a", "x", "apps/b") == ("acme/apps", "bob", "all")


def test_mail_addresses_are_told_apart_from_names() -> None:
    found = owners_of(b"* @ann docs@example.com nobody @@developer\n", Dialect.GITHUB, ["a"])
    assert found == Owners(reviewers=("ann",), emails=("docs@example.com",))


def test_a_line_that_github_passes_over_is_told_by_its_number() -> None:
    found = owners_of(b"# ours\n\n!a @x\n[ab].c @y\n* @ann\n", Dialect.GITHUB, ["a"])
    assert found.reviewers == ("ann",)
    assert [each.line for each in found.unread] == [3, 4]


GITLAB = """\
* @default
!generated/

[Docs][2] @writers
docs/
/README.md @ann

^[Optional] @maybe
*.yaml

[Database] @acme/db/team
/db/
!/db/test/

[docs]
/docs/api/ @api
"""


@pytest.mark.parametrize(
    ("path", "reviewers"),
    [
        ("x", ("default",)),
        ("a/docs/x", ("default", "writers")),
        ("README.md", ("default", "ann")),
        ("db/a.yaml", ("default", "acme/db/team")),
        ("db/test/a", ("default",)),
        ("generated/db", ()),
        ("docs/api/x", ("default", "api")),  # one section, whatever its case; its last counts
    ],
)
def test_each_section_of_gitlab_has_its_own_say(path: str, reviewers: tuple[str, ...]) -> None:
    text = GITLAB.replace("!generated/", "!/generated/")
    assert asked(text, path, dialect=Dialect.GITLAB) == reviewers


def test_patterns_of_gitlab_do_not_reach_below_a_name() -> None:
    assert asked("/docs @a", "docs/x", dialect=Dialect.GITLAB) == ()
    assert asked("/docs/* @a", "docs/x/y", dialect=Dialect.GITLAB) == ()
    assert asked("/docs/**/* @a", "docs/x/y", dialect=Dialect.GITLAB) == ("a",)
    assert asked("internal/x.md @a", "deep/internal/x.md", dialect=Dialect.GITLAB) == ("a",)


def test_rules_of_gitea_are_expressions_over_the_whole_path_and_all_of_them_count() -> None:
    text = ".*\\.go @ann\nsrc/.* @acme/src @ann\n!docs/.* @bob\n/README\\.md @cy\n"
    assert asked(text, "src/a.go", dialect=Dialect.GITEA) == ("ann", "acme/src", "bob")
    assert asked(text, "docs/x", dialect=Dialect.GITEA) == ()
    assert asked(text, "README.md", dialect=Dialect.GITEA) == ("bob", "cy")


def test_an_expression_of_gitea_that_cannot_be_read_costs_its_line_only() -> None:
    found = owners_of(b"( @x\nalone\n.* @ann\n", Dialect.GITEA, ["a"])
    assert found.reviewers == ("ann",)
    assert [each.line for each in found.unread] == [1, 2]


def test_a_huge_file_a_long_list_and_a_crowd_are_cut_and_told() -> None:
    huge = owners_of(b"#" * (owners.MAX_BYTES + 1), Dialect.GITHUB, ["a"])
    assert not huge.reviewers
    assert "larger than" in huge.unread[0].why
    many = "* @first\n" * owners.MAX_RULES + "* @last\n"
    assert asked(many, "a") == ("first",)
    crowd = owners_of(f"* {' '.join(f'@u{n}' for n in range(40))}".encode(), Dialect.GITHUB, ["a"])
    assert (len(crowd.reviewers), crowd.left_out) == (owners.MAX_REVIEWERS, 25)


@given(
    st.text(alphabet="*?/\\ab.@#![]^() \n\t\x00é", max_size=120),
    st.sampled_from(list(Dialect)),
    st.lists(st.text(alphabet="ab/. \n", min_size=1, max_size=20), max_size=3),
)
def test_no_text_makes_it_fail_and_nobody_comes_from_nowhere(
    text: str, dialect: Dialect, paths: list[str]
) -> None:
    found = owners_of(text.encode(), dialect, paths)
    assert all(f"@{each}" in text for each in found.reviewers)
    assert all(each in text for each in found.emails)
    assert found == owners_of(text.encode(), dialect, paths)


@given(st.lists(st.sampled_from(["* @a", "/x/ @b", "*.md @c", "/x/y @d", "/x/"]), max_size=6))
def test_only_the_last_rule_that_matches_says_who(lines: list[str]) -> None:
    path = "x/y.md"
    alone = [line for line in lines if _matches_alone(line, path)]
    expected = asked(alone[-1], path) if alone else ()
    assert asked("\n".join(lines), path) == expected


def _matches_alone(line: str, path: str) -> bool:
    pattern = line.partition(" ")[0]
    return bool(asked(f"{pattern} @x", path))
