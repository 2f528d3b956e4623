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


def test_each_forge_stands_in_the_table_under_its_own_name() -> None:
    assert {name: forge.name for name, forge in FORGES.items()} == {name: name for name in FORGES}
