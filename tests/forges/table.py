"""Prints the contract suites as a table: behaviours down, forges across.

`python -m tests.forges.table` runs the suites; words for pytest may follow.
"""

import re
import sys
from collections import defaultdict

import pytest

from tests.forges.conftest import FORGES
from tests.forges.world import LACKS

_SUITES = ("test_contract.py", "test_conversation_contract.py")
_FORGE = "|".join(sorted(FORGES, key=len)[::-1])
_TEST = re.compile(rf"({'|'.join(map(re.escape, _SUITES))})::(\w+)\[({_FORGE})\b")


class Table:
    """Collects the outcome of each test of the suites by behaviour and forge."""

    def __init__(self) -> None:
        self.outcomes: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = _TEST.search(report.nodeid)
        if found and (report.when == "call" or not report.passed):
            self.outcomes[found[2]][found[3]].add(report.outcome)

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
    words = [*(f"tests/forges/{suite}" for suite in _SUITES), "-q", "-n", "2", *sys.argv[1:]]
    sys.exit(pytest.main(words, plugins=[Table()]))
