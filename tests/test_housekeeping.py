"""Tidying up: what belongs to nobody goes, what is used or was used lately stays."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from imagebot.git.folder import CloneFolder
from imagebot.housekeeping import UNUSED_AFTER, drop_clones
from imagebot.owed import Run
from imagebot.proposals import OutcomeKind
from imagebot.store import Store

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def clone(folder: Path, name: str) -> CloneFolder:
    made = CloneFolder(folder / name, "https://git.example.org/a.git", 0)
    made.lock()
    made.clear()
    made.mark_complete()
    return made


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def later(folder: Path) -> float:
    """A time at which everything in the folder was left alone for long."""
    newest = max(path.stat().st_mtime for path in folder.iterdir())
    return newest + UNUSED_AFTER.total_seconds() + 1


def test_clones_that_nobody_uses_go_with_their_locks(tmp_path: Path) -> None:
    for name in ("used-1", "left-2"):
        clone(tmp_path, name).unlock()
    assert drop_clones(tmp_path, {"used-1"}, later(tmp_path)) == ["left-2"]
    assert names(tmp_path) == ["used-1", "used-1.lock"]


def test_a_clone_that_was_used_within_a_day_stays(tmp_path: Path) -> None:
    clone(tmp_path, "left-2").unlock()
    assert drop_clones(tmp_path, (), later(tmp_path) - 2) == []
    assert "left-2" in names(tmp_path)


def test_a_clone_that_is_in_use_stays(tmp_path: Path) -> None:
    made = clone(tmp_path, "left-2")
    assert drop_clones(tmp_path, (), later(tmp_path)) == []
    assert "left-2" in names(tmp_path)
    made.unlock()


def test_a_folder_that_is_not_there_has_nothing_to_drop(tmp_path: Path) -> None:
    assert drop_clones(tmp_path / "git", ()) == []


def test_the_history_of_git_repositories_that_left_goes_after_a_while(tmp_path: Path) -> None:
    store = Store(tmp_path / "imagebot.db")
    for name, days in (("stays", 90), ("left-lately", 1), ("left-long-ago", 90)):
        at = NOW - timedelta(days=days)
        store.request(name)
        store.record(Run(name, OutcomeKind.UP_TO_DATE, "", at, at))
    assert store.forget(["stays"], NOW - timedelta(days=30)) == 1
    assert set(store.last_runs()) == {"stays", "left-lately"}
    assert {target.key for target in store.owed(NOW)} == {"stays", "left-lately"}
    store.close()
