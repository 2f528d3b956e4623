"""What people make of a request's title, text and base, through `imagebot apply` on every forge."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.world import FickleRegistry
from tests.acceptance.world import World as Story
from tests.forges.stories import story_on
from tests.forges.test_whole_talk import settled
from tests.forges.world import Kept, World

OWN_TITLE = "Update acme/api to 1.2.0 (minor)"


@pytest.fixture
def story(talking: World, tmp_path: Path) -> Iterator[Story]:
    """One open request on this forge."""
    with FickleRegistry() as registry:
        made = story_on(talking, tmp_path, registry, ["api"])
        assert made.apply() == 0
        yield made


def kept(world: World) -> Kept:
    (request,) = world.kept()
    return request


def proposed(story: Story) -> str:
    (branch,) = story.branches()
    return story.content(branch, "apps/api/deployment.yaml")


def a_newer_tag(story: Story, world: World) -> None:
    story.registry.add("acme/api", "1.2.0")
    settled(story, world)
    assert ":1.2.0" in proposed(story)


def test_a_title_that_a_person_wrote_stays_until_it_is_imagebots_again(
    story: Story, talking: World
) -> None:
    talking.people.edit(1, title="chore: the API, before Friday")
    a_newer_tag(story, talking)
    assert kept(talking).title == "chore: the API, before Friday"
    assert OWN_TITLE in kept(talking).body
    talking.people.edit(1, title=OWN_TITLE)
    story.registry.add("acme/api", "1.3.0")
    settled(story, talking)
    assert kept(talking).title == "Update acme/api to 1.3.0 (minor)"
    assert "1.2.0" not in kept(talking).body
    assert kept(talking).comments == []


def test_a_title_is_kept_without_any_local_state(story: Story, talking: World) -> None:
    talking.people.edit(1, title="By hand")
    settled(story, talking)
    for file in sorted(story.data.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    a_newer_tag(story, talking)
    assert kept(talking).title == "By hand"


def test_a_mark_of_a_draft_is_no_other_title(story: Story, talking: World) -> None:
    talking.people.mark_as_draft(1)
    talking.people.comment(1, "alice", "/imagebot explain")  # by which the record changes
    settled(story, talking)
    assert kept(talking).title.count("Draft:") + kept(talking).title.count("WIP:") <= 1
    a_newer_tag(story, talking)
    assert kept(talking).title.removeprefix("Draft: ").removeprefix("WIP: ") == OWN_TITLE
    assert kept(talking).is_draft


def test_text_above_and_below_imagebots_stays_as_it_is(story: Story, talking: World) -> None:
    above, below = "Ticket ABC-7. Roll out on Monday.\n\n- [ ] told the team", "Seen by **Ann**."
    talking.people.edit(1, body=f"{above}\n\n{kept(talking).body.rstrip()}\n\n{below}")
    a_newer_tag(story, talking)
    text = kept(talking).body
    assert text.index(above) < text.index("1.2.0") < text.index(below)
    assert text.count("1.1.0") == 0
    assert kept(talking).comments == []
    talking.people.comment(1, "alice", "/imagebot hold")
    settled(story, talking)
    talking.people.comment(1, "alice", "/imagebot resume")
    story.registry.add("acme/api", "1.3.0")
    settled(story, talking)
    text = kept(talking).body
    assert text.index(above) < text.index("1.3.0") < text.index(below)


def test_an_edit_of_imagebots_own_text_is_written_over_and_told_of_once(
    story: Story, talking: World
) -> None:
    was = kept(talking).body
    assert "1.1.0" in was
    for _ in range(2):
        edited = kept(talking).body.replace("1.1.0", "9.9.9 or so", 1)
        talking.people.edit(1, body=edited)
        settled(story, talking)
        assert "9.9.9" not in kept(talking).body
    (told,) = kept(talking).comments
    assert "part of the description" in told
    assert kept(talking).body == was


def test_a_description_of_a_persons_own_is_kept_above_imagebots(
    story: Story, talking: World
) -> None:
    talking.people.edit(1, body="All of this is mine.")
    a_newer_tag(story, talking)
    text = kept(talking).body
    assert "All of this is mine." in text.partition("1.2.0")[0]
    a_second = text
    settled(story, talking)
    assert kept(talking).body == a_second


def test_a_request_whose_base_a_person_changed_is_held_until_it_is_back(
    story: Story, talking: World
) -> None:
    talking.bare.point("release", at="main")
    talking.people.edit(1, base="release")
    story.registry.add("acme/api", "1.2.0")
    settled(story, talking)
    assert kept(talking).base == "release"
    assert ":1.1.0" in proposed(story)
    assert "1.1.0" in kept(talking).title
    (told,) = kept(talking).comments
    assert "`release`" in told
    assert "`main`" in told
    talking.people.comment(1, "alice", "/imagebot rebuild")
    settled(story, talking)
    assert ":1.1.0" in proposed(story)
    talking.people.edit(1, base="main")
    settled(story, talking)
    assert ":1.2.0" in proposed(story)
    assert len(kept(talking).comments) == 3  # that, the command, and the answer


def test_a_base_that_a_person_changed_stays_though_they_wrote_over_the_record_of_it(
    story: Story, talking: World
) -> None:
    talking.bare.point("release", at="main")
    talking.people.edit(1, base="release", body="All of this is mine.")
    for tag in ("1.2.0", "1.3.0"):
        story.registry.add("acme/api", tag)
        assert story.apply() == 0
    assert kept(talking).base == "release"
    assert ":1.2.0" in proposed(story)  # it was known from then on, and left alone


def test_what_goes_to_another_base_by_a_persons_hand_is_never_merged(
    story: Story, talking: World
) -> None:
    talking.bare.point("release", at="main")
    talking.people.edit(1, base="release")
    story.write_policy("api", more="  pullRequest: {autoMerge: {steps: [minor], by: imagebot}}\n")
    story.commit("Rules", push=True)
    talking.people.check(1, "success")
    settled(story, talking)
    assert kept(talking).state == "open"


def test_a_request_for_another_base_stays_when_nothing_is_left_to_update(
    story: Story, talking: World
) -> None:
    talking.bare.point("release", at="main")
    talking.people.edit(1, base="release")
    story.write_deployment("api", "1.1.0")
    story.commit("By hand", push=True)
    settled(story, talking)
    assert kept(talking).state == "open"
    assert len(story.branches()) == 1


def test_an_edit_behind_the_cut_of_a_list_is_seen_before_it_is_written_over(
    azure_devops: World, tmp_path: Path
) -> None:
    names = ["api", "web", "job"]
    with FickleRegistry() as registry:
        story = story_on(azure_devops, tmp_path, registry, names)
        assert story.apply() == 0
        settled(story, azure_devops)
        for each in azure_devops.kept():
            azure_devops.people.edit(each.number, body=f"{each.body}\n\nSeen by Ann.")
        for name in names:
            registry.add(f"acme/{name}", "1.2.0")
        settled(story, azure_devops)
        for each in azure_devops.kept():
            assert "1.2.0" in each.title
            assert each.body.endswith("\n\nSeen by Ann.")
