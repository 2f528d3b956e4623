"""Messages on their way: to a real server through Apprise, each once, and none holds up a run."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from imagebot import apprising
from imagebot.cli.main import main
from imagebot.database import Database
from imagebot.errors import SettingsError
from imagebot.history import History
from imagebot.history_model import SeenRequest
from imagebot.notifying import MAX_QUEUED, Notifiers
from imagebot.owed import Run, back_off
from imagebot.proposals import Outcome, OutcomeKind
from imagebot.secret import Secret
from imagebot.settings_model import NotificationSettings
from imagebot.store_address import StoreAddress
from tests.servers.listener import Listener

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
CANARY = "canary-5e1f"
RUN = Run("fleet", OutcomeKind.PROPOSED, "message", NOW, NOW)
OUTCOME = Outcome("fleet", OutcomeKind.PROPOSED, "message")
OPEN = SeenRequest(
    *(7, "https://forge.example/7", "Update api", "api", "imagebot/api-1", "open", NOW),
    versions=("ghcr.io/acme/api:1.1.0",),
)
LEVELS = ("proposed", "merged", "failed", "stalled")


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as listening:
        yield listening


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    database = Database(tmp_path / "imagebot.sqlite")
    yield History(database)
    database.close()


def told(listener: Listener, name: str = "team", **more: object) -> NotificationSettings:
    url = Secret(f"json://user:{CANARY}@{listener.host}/{CANARY}")
    return NotificationSettings(name, url, LEVELS, **more)  # type: ignore[arg-type]


def notifiers(history: History, *settings: NotificationSettings) -> Notifiers:
    return Notifiers(settings, history, lambda name, limit: [], apprising.send, lambda: NOW)


def test_what_changed_reaches_the_service_in_one_message(
    listener: Listener, history: History
) -> None:
    history.note("fleet", [], [OPEN], NOW)
    telling = notifiers(history, told(listener))
    telling.observe(OUTCOME, RUN)
    (received,) = listener.wait_for(1)
    telling.close()
    assert b"Update api https://forge.example/7" in received.body
    assert b"imagebot: fleet: proposed" in received.body
    assert telling.counts()["team", "sent"] == 1


def test_nothing_is_told_twice_after_a_restart(listener: Listener, history: History) -> None:
    history.note("fleet", [], [OPEN], NOW)
    for _ in range(2):
        telling = notifiers(history, told(listener))
        telling.observe(OUTCOME, RUN)
        telling.close(timedelta(seconds=30))
    assert len(listener.received) == 1


def test_what_a_service_did_not_take_is_told_at_a_later_run(
    listener: Listener, history: History
) -> None:
    history.note("fleet", [], [OPEN], NOW)
    listener.status = 500
    telling = notifiers(history, told(listener))
    telling.observe(OUTCOME, RUN)
    telling.close(timedelta(seconds=30))
    assert telling.counts()["team", "failed"] == 1
    listener.status = 200
    again = notifiers(history, told(listener))
    again.observe(OUTCOME, RUN)
    again.close(timedelta(seconds=30))
    assert again.counts()["team", "sent"] == 1
    assert listener.received[0].body == listener.received[-1].body


def test_a_service_that_fails_is_left_alone_and_told_all_once_it_works_again(
    listener: Listener, history: History, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "imagebot")
    names, roll, seconds = ("fleet", "apps", "shop"), 0.9, 1000.0
    for name in names:
        history.note(name, [], [OPEN], NOW)
    telling = Notifiers(
        [told(listener)],
        history,
        lambda name, limit: [],
        apprising.send,
        lambda: NOW,
        lambda: seconds,
        lambda: roll,
    )

    def sent_by_runs() -> int:
        """How many messages the service got of a run of each git repository."""
        before = len(listener.received)
        for name in names:
            telling.observe(OUTCOME, Run(name, RUN.kind, "message", NOW, NOW))
        telling.close(timedelta(seconds=30))
        telling.replace([told(listener)])
        return len(listener.received) - before

    listener.status = 500
    for fails in range(1, 13):
        assert sent_by_runs() == 1  # after which the others are not tried
        seconds += back_off(fails, roll).total_seconds() - 1
        assert sent_by_runs() == 0
        seconds += 1
    listener.status = 200
    assert sent_by_runs() == len(names)
    assert sent_by_runs() == 0
    for name, received in zip(names, listener.received[-3:], strict=True):
        assert f"imagebot: {name}: proposed".encode() in received.body
    telling.close()
    assert telling.counts() == {("team", "sent"): 3, ("team", "failed"): 12, ("team", "dropped"): 0}
    logged = [each.getMessage() for each in caplog.records if "telling team" in each.getMessage()]
    assert len(logged) == 2, logged
    assert "500" in logged[0]
    assert logged[1] == "telling team works again"


def test_other_settings_of_a_notifier_are_tried_at_once(
    listener: Listener, history: History
) -> None:
    history.note("fleet", [], [OPEN], NOW)
    with Listener() as failing:
        failing.status = 500
        telling = notifiers(history, told(failing))
        telling.observe(OUTCOME, RUN)
        telling.close(timedelta(seconds=30))
        telling.replace([told(failing)])
        telling.replace([told(listener)])
        telling.observe(OUTCOME, RUN)
        listener.wait_for(1)
        telling.close()


def test_a_service_that_hangs_holds_up_neither_runs_nor_the_others(
    listener: Listener, history: History
) -> None:
    history.note("fleet", [], [OPEN], NOW)
    with Listener() as hanging:
        hanging.released.clear()
        telling = notifiers(history, told(hanging, "hangs"), told(listener, "works"))
        telling.observe(OUTCOME, RUN)
        hanging.wait_for(1)
        listener.wait_for(1)
        for number in range(MAX_QUEUED + 5):
            name = f"other-{number}"
            telling.observe(OUTCOME, Run(name, RUN.kind, "message", NOW, NOW))
        assert telling.counts()["hangs", "dropped"] == 5
        hanging.released.set()
        telling.close()


def test_each_is_told_of_its_own_git_repositories(listener: Listener, history: History) -> None:
    for name in ("fleet", "apps"):
        history.note(name, [], [OPEN], NOW)
    telling = notifiers(history, told(listener, repositories=("app*",)))
    for name in ("fleet", "apps"):
        telling.observe(OUTCOME, Run(name, RUN.kind, "message", NOW, NOW))
    telling.close(timedelta(seconds=30))
    assert [b"imagebot: apps:" in received.body for received in listener.received] == [True]


def test_of_several_replicas_one_tells(lasting: StoreAddress) -> None:
    database = Database(lasting)
    history = History(database)
    assert history.claim_told("team", "fleet", "", "first")
    assert not history.claim_told("team", "fleet", "", "second")
    assert history.claim_told("team", "fleet", "first", "third")
    assert not history.claim_told("team", "fleet", "first", "fourth")
    assert history.claim_told("team", "fleet", "third", "")  # the service did not take it
    assert history.claim_told("team", "fleet", "", "fifth")
    assert history.told("team", "fleet") == "fifth"
    database.close()


@pytest.mark.parametrize("url", ["nothing", "nope://x", "syslog://", "dbus://"])
def test_a_url_that_tells_nobody_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        apprising.check("team", Secret(f"{url}{CANARY}"))
    assert CANARY not in raised.value.with_hint


def settings_file(folder: Path, listener: Listener, *, port_is_closed: bool = False) -> Path:
    (folder / "url").write_text(f"json://user:{CANARY}@{listener.host}/{CANARY}\n")
    (folder / "closed").write_text(f"json://127.0.0.1:1/{CANARY}\n")
    more = "  - {name: closed, urlFile: closed}\n" if port_is_closed else ""
    file = folder / "settings.yaml"
    file.write_text(
        "apiVersion: imagebot.dev/v1alpha1\nkind: Settings\nnotifications:\n"
        f"  - {{name: team, urlFile: url}}\n{more}"
    )
    return file


def test_a_test_message_says_who_got_it(
    tmp_path: Path, listener: Listener, capsys: pytest.CaptureFixture[str]
) -> None:
    file = settings_file(tmp_path, listener)
    assert main(["notify", "test", "--settings", str(file)]) == 0
    assert capsys.readouterr().out == "team: sent\n"
    assert b"this is a test of imagebot" in listener.received[0].body


def test_a_test_message_that_is_not_taken_is_told_and_no_secret_shows(
    tmp_path: Path,
    listener: Listener,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    listener.status = 403
    file = settings_file(tmp_path, listener, port_is_closed=True)
    assert main(["notify", "test", "--settings", str(file)]) == 1
    shown = capfd.readouterr()
    assert shown.out.splitlines() == [
        "team: failed: the service refused it with status 403",
        "closed: failed: could not connect: nobody listens there",
    ]
    assert CANARY not in shown.out + shown.err
    assert not [record for record in caplog.records if record.name.startswith("apprise")]


def test_a_service_that_hangs_is_not_told_of_as_one_that_refuses(listener: Listener) -> None:
    listener.released.clear()
    url = Secret(f"json://user:{CANARY}@{listener.host}/{CANARY}?rto=0.2")
    trouble = apprising.send("team", url, "title", "body")
    assert trouble == "the service did not answer within 0.2 s"


@pytest.mark.parametrize("wish", ["", "?redirect=yes"])
def test_a_message_that_is_sent_elsewhere_is_not_taken_for_sent(
    listener: Listener, wish: str
) -> None:
    listener.status, listener.location = 302, f"http://{listener.host}/login"
    url = Secret(f"json://user:{CANARY}@{listener.host}/{CANARY}{wish}")
    trouble = apprising.send("team", url, "title", "body")
    assert trouble == "the service sends elsewhere, with status 302: name that address"
    assert [each.path for each in listener.received] == [f"/{CANARY}"]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "A Connection error occurred sending Email.\nSocket Exception: timed out",
            "the service did not answer in time",
        ),
        (
            "Socket Exception: Connection to x timed out. (connect timeout=4.0)",
            "the service did not answer within 4 s",
        ),
        (
            "Socket Exception: [Errno -2] Name or service not known",
            "could not connect: its host has no address",
        ),
        (
            "Socket Exception: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed",
            "could not connect: its certificate is not trusted",
        ),
        ("Socket Exception: canary", "could not connect, or the connection was lost"),
        ("canary", "the service did not take it, or could not be reached"),
    ],
)
def test_what_the_libraries_say_of_a_failure_is_told_in_our_words(said: str, reason: str) -> None:
    assert apprising.why_not(said.splitlines()) == reason


def test_a_test_of_nobody_and_of_somebody_unknown_are_mistakes(
    tmp_path: Path, listener: Listener, capsys: pytest.CaptureFixture[str]
) -> None:
    file = settings_file(tmp_path, listener)
    assert main(["notify", "test", "--settings", str(file), "temm"]) == 2
    assert "known: team" in capsys.readouterr().err
    file.write_text("apiVersion: imagebot.dev/v1alpha1\nkind: Settings\n")
    assert main(["notify", "test", "--settings", str(file)]) == 2
