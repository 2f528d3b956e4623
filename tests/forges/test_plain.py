"""Without a forge the text of a pull request goes back to whoever asked."""

from imagebot.forges import FORGES
from imagebot.forges.plain import Plain
from tests.forges.world import changes


def test_what_would_be_opened_is_given_back() -> None:
    told = Plain().create(changes(labels=("images",)))
    assert (told.number, told.url) == (0, "")
    assert (told.title, told.body) == (changes().title, changes().body)
    assert (told.head, told.base, told.labels) == (changes().branch, "main", ("images",))


def test_nothing_is_found_changed_or_closed() -> None:
    plain = Plain()
    told = plain.create(changes())
    assert plain.find([changes().branch]) == {}
    assert plain.update(told, changes(title="Other")) == told
    plain.close(told, "bye", body="Withdrawn.")
    assert not plain.has_pull_requests


def test_push_options_are_filled_for_each_branch_and_stay_one_line() -> None:
    plain = Plain(("merge_request.create", "merge_request.target={base}", "t={title}", "{branch}"))
    wanted = changes(title="Update api\nmerge_request.merge {branch}\x00")
    assert plain.push_options(wanted) == [
        "merge_request.create",
        "merge_request.target=main",
        "t=Update api merge_request.merge {branch}",
        wanted.branch,
    ]


def test_a_long_title_is_cut_to_what_servers_take() -> None:
    (option,) = Plain(("{title}",)).push_options(changes(title="x" * 400))
    assert len(option) == 250


def test_without_push_options_nothing_is_said() -> None:
    assert Plain().push_options(changes()) == []


def test_each_forge_stands_in_the_table_under_its_own_name() -> None:
    assert {name: forge.name for name, forge in FORGES.items()} == {name: name for name in FORGES}
