"""What is GitLab's own: quick actions, drafts, reviewers by id."""

import logging

import pytest

from tests.forges.world import World, changes

BRANCH = "imagebot/api-1a2b"


@pytest.fixture
def opened(gitlab: World) -> World:
    gitlab.bare.push(BRANCH)
    gitlab.forge.create(changes())
    gitlab.server.forget_requests()
    return gitlab


@pytest.mark.parametrize("line", ["/merge", "/assign @alice", "  /close", "\t/label ~x"])
def test_no_line_of_a_text_is_a_quick_action(gitlab: World, line: str) -> None:
    gitlab.bare.push(BRANCH)
    told = gitlab.forge.create(changes(body=f"| table |\n{line}\nend"))
    gitlab.forge.close(told, f"{line}\nbye")
    (kept,) = gitlab.kept()
    for text in (kept.body, *kept.comments):
        assert not any(part.strip().startswith("/") for part in text.splitlines())
        assert line.strip().removeprefix("/") in text


def test_a_text_with_a_disarmed_quick_action_is_no_difference(opened: World) -> None:
    body = "first\n/merge\n"
    opened.forge.update(opened.forge.find([BRANCH])[BRANCH], changes(body=body))
    opened.server.forget_requests()
    opened.forge.update(opened.forge.find([BRANCH])[BRANCH], changes(body=body))
    assert opened.server.writes == []


def test_a_persons_draft_stays_a_draft(opened: World) -> None:
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.forge.update(found, changes(title=f"Draft: {changes().title}"))
    opened.server.forget_requests()
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.forge.update(found, changes())
    assert opened.server.writes == []
    opened.forge.update(found, changes(title="Update api to 1.2.0"))
    assert opened.kept()[0].title == "Draft: Update api to 1.2.0"


def test_all_differences_are_one_write(opened: World) -> None:
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.forge.update(found, changes(title="Other", body="Other.", labels=("a", "b")))
    assert len(opened.server.writes) == 1
    assert opened.kept()[0].labels == ["a", "b"]


def test_a_group_cannot_be_a_reviewer_and_is_warned_of(
    gitlab: World, caplog: pytest.LogCaptureFixture
) -> None:
    gitlab.bare.push(BRANCH)
    gitlab.forge.create(changes(reviewers=("acme/platform",)))
    warnings = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert any("acme/platform" in text for text in warnings)


def test_a_project_in_a_group_of_groups_is_reached(gitlab: World) -> None:
    gitlab.server.add_project("acme/team/sub/config", gitlab.bare.folder)
    gitlab.bare.push(BRANCH)
    told = gitlab.connect(project="acme/team/sub/config").create(changes())
    assert "acme/team/sub/config" in told.url
