"""Prints the contract suite as a table: behaviours down, forges across.

`python -m tests.forges.table` runs the suite; words for pytest may follow.
"""

import re
import sys
from collections import defaultdict

import pytest

from tests.forges.conftest import FORGES
from tests.forges.world import LACKS

_TEST = re.compile(rf"test_contract\.py::(\w+)\[({'|'.join(sorted(FORGES, key=len)[::-1])})\b")


class Table:
    """Collects the outcome of each test of the suite by behaviour and forge."""

    def __init__(self) -> None:
        self.outcomes: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = _TEST.search(report.nodeid)
        if found and (report.when == "call" or not report.passed):
            self.outcomes[found[1]][found[2]].add(report.outcome)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.write_line("\n".join(self.lines()))

    def lines(self) -> list[str]:
        lines = [f"| behaviour | {' | '.join(FORGES)} |", "| --- " * (len(FORGES) + 1) + "|"]
        for behaviour, by_forge in self.outcomes.items():
            cells = ["/".join(sorted(by_forge[forge])) or "-" for forge in FORGES]
            words = behaviour.removeprefix("test_").replace("_", " ")
            lines.append(f"| {words} | {' | '.join(cells)} |")
        for forge, behaviours in LACKS.items():
            lines += [f"{forge} lacks {what}: {why}" for what, why in behaviours.items()]
        return lines


if __name__ == "__main__":
    words = ["tests/forges/test_contract.py", "-q", "-n", "2", *sys.argv[1:]]
    sys.exit(pytest.main(words, plugins=[Table()]))
