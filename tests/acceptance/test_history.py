"""What a run leaves in the store: decisions, requests seen, and how long they took."""

from collections.abc import Iterator
from contextlib import contextmanager

from imagebot.database import Database
from imagebot.history import History
from imagebot.history_model import Figures
from tests.acceptance.world import World


@contextmanager
def history(world: World) -> Iterator[History]:
    database = Database(world.data / "imagebot.sqlite", is_read_only=True)
    yield History(database)
    database.close()


def figures(world: World) -> Figures:
    with history(world) as kept:
        return kept.figures()


def merge(world: World) -> None:
    """A person merges the open request, and the forge deletes its branch."""
    (request,) = world.open_requests()
    world.git(world.checkout, "fetch", "-q", "origin", request.head)
    world.git(world.checkout, "merge", "-q", "-m", "Merge", "FETCH_HEAD")
    world.git(world.checkout, "push", "-q", "origin", "HEAD:main")
    assert world.open_requests() == []  # the forge finds the merge by itself
    world.git(world.checkout, "push", "-q", "origin", f":{request.head}")


def test_what_a_run_decided_and_opened_is_remembered(world: World) -> None:
    world.apply()
    with history(world) as kept:
        (decision,) = kept.decisions("config")
        (request,) = kept.requests("config")
    assert (decision.file, decision.current, decision.chosen, decision.state) == (
        "apps/api/deployment.yaml",
        *("1.0.0", "1.1.0", "behind"),
    )
    assert decision.reason
    assert (request.state, request.title) == ("open", "Update acme/api to 1.1.0 (minor)")
    assert request.versions == (f"{world.registry.host}/acme/api:1.1.0",)


def test_a_request_that_was_merged_and_whose_branch_is_gone_is_seen_as_merged(
    world: World,
) -> None:
    world.apply()
    merge(world)
    world.apply()
    world.apply()
    told = figures(world)
    assert told.requests == {("config", "opened"): 1, ("config", "merged"): 1}
    assert told.states == {("config", "current"): 1}
    assert told.open_requests == {"config": 0}


def test_lead_times_count_from_the_first_sight_of_a_tag_that_came_out_meanwhile(
    world: World,
) -> None:
    world.apply()
    merge(world)
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    merge(world)
    world.apply()
    leads = figures(world).leads
    assert {stage: sum(lead.counts) for (_, stage), lead in leads.items()} == {
        **{"proposed": 1, "merged": 1}
    }


def test_a_history_that_is_lost_changes_nothing_that_is_proposed(world: World) -> None:
    world.apply()
    before = world.everything()
    database = Database(world.data / "imagebot.sqlite")
    with database.writing() as connection:
        for table in ("decision", "decision_change", "request_seen", "history_tally"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
    database.close()
    assert world.apply() == 0
    assert world.everything() == before
