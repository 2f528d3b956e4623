"""Prints the contract suites as a table: behaviours down, forges across.

`python -m tests.forges.table` runs the suites; words for pytest may follow. Plain Git has no
requests of which most behaviours speak, and so suites of its own: its column shows those, with the
same name where the behaviour is the same.
"""

import re
import sys
from collections import defaultdict

import pytest

from tests.forges.conftest import FORGES
from tests.forges.world import LACKS

_SUITES = ("tests/forges/test_contract.py", "tests/forges/test_conversation_contract.py")
_PLAIN_SUITES = (
    "tests/forges/test_plain.py",
    "tests/git/test_push_options.py",
    "tests/acceptance/test_agit.py",
)
_COLUMNS = (*FORGES, "plain")
_FORGE = "|".join(sorted(FORGES, key=len)[::-1])
_TEST = re.compile(rf"(?:{'|'.join(map(re.escape, _SUITES))})::(\w+)\[({_FORGE})\b")
_PLAIN_TEST = re.compile(rf"(?:{'|'.join(map(re.escape, _PLAIN_SUITES))})::(\w+)")


class Table:
    """Collects the outcome of each test of the suites by behaviour and forge."""

    def __init__(self) -> None:
        self.outcomes: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        if found := _TEST.search(report.nodeid):
            self.outcomes[found[1]][found[2]].add(report.outcome)
        elif found := _PLAIN_TEST.search(report.nodeid):
            self.outcomes[found[1]]["plain"].add(report.outcome)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.write_line("\n".join(self.lines()))

    def lines(self) -> list[str]:
        lines = [f"| behaviour | {' | '.join(_COLUMNS)} |", "| --- " * (len(_COLUMNS) + 1) + "|"]
        for behaviour, by_forge in self.outcomes.items():
            cells = ["/".join(sorted(by_forge[forge])) or "-" for forge in _COLUMNS]
            words = behaviour.removeprefix("test_").replace("_", " ")
            lines.append(f"| {words} | {' | '.join(cells)} |")
        for forge, behaviours in LACKS.items():
            lines += [f"{forge} lacks {what}: {why}" for what, why in behaviours.items()]
        return lines


if __name__ == "__main__":
    words = [*_SUITES, *_PLAIN_SUITES, "-q", "-n", "2", *sys.argv[1:]]
    sys.exit(pytest.main(words, plugins=[Table()]))
