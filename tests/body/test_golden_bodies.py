"""What bodies say, as whole texts: `tests/golden/bodies/*.md`, compared as bytes.

Written anew by `IMAGEBOT_WRITE_GOLDEN=1 pytest tests/body/test_golden_bodies.py`, then read.
"""

import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imagebot.body import body
from imagebot.model import GateVerdict, Ground, Problem, Rejection, Selection, Verdict
from tests.body import making
from tests.making import DIGEST_B, choice, policy

GOLDEN = Path(__file__).parents[1] / "golden" / "bodies"
DEPLOYMENT = (  # with its image in line 7, where `choice` has it
    b"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\n"
    b"spec:\n  containers:\n    - name: api\n      image: ghcr.io/acme/api:2.3.0 # by the team\n"
    b"    - name: again\n      image: ghcr.io/acme/api:2.3.0\n"
)


def full() -> str:
    """One image of which everything is known."""
    of = making.step("ghcr.io/acme/api", "2.3.0", "2.4.1", DIGEST_B)
    verdicts = (
        GateVerdict("2.4.2", "cooldown", Verdict.HOLD, "cool-down 3d: first seen 2026-11-25",
                    datetime(2026, 11, 28, 10, tzinfo=UTC)),
    )  # fmt: skip
    kept_out = (Rejection("3.0.0", "major step; the policy allows minor", Ground.STEP),)
    one = choice("ghcr.io/acme/api:2.3.0", "2.4.1", digest=DIGEST_B,
                 governed_by=policy("api", "apps/api/imagebot.yaml"))  # fmt: skip
    one = replace(one, verdicts=verdicts, selection=Selection((), kept_out))
    made = (making.edit(DEPLOYMENT, b"2.3.0", f"2.4.1@{DIGEST_B}".encode()),)
    file = "apps/api/deployment.yaml"
    return body([one], before={file: DEPLOYMENT}, edits_by_file={file: made}, told=making.told(of))


def bare() -> str:
    """Two images of which nothing could be found out."""
    rules = policy("prod", group="prod")
    return body([
        choice("ghcr.io/acme/api:1.0.0", governed_by=rules),
        choice("nginx:1.27.0", "1.27.3", governed_by=rules, file="apps/proxy/values.yaml"),
    ])  # fmt: skip


def with_bad_references() -> str:
    """A group of which two references could not be written, and the text of one is not ours."""
    bad = (
        Problem("apps/api/deployment.yaml", 12, 9, "cannot be edited safely: the image is gone",
                "look again"),
        Problem("apps/api/job.yaml", 0, 0, "'@all <b>' is no image"),
    )  # fmt: skip
    return body([choice("ghcr.io/acme/api:1.0.0")], left_out=bad)


BODIES = {"full.md": full, "bare.md": bare, "bad-references.md": with_bad_references}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_what_it_was(name: str) -> None:
    written = BODIES[name]().encode()
    if os.environ.get("IMAGEBOT_WRITE_GOLDEN"):
        (GOLDEN / name).write_bytes(written)
    assert written == (GOLDEN / name).read_bytes()


def test_the_table_and_the_diff_of_a_body_name_the_same_line() -> None:
    text = full()
    (line,) = re.findall(r"deployment\.yaml:(\d+)", text)
    assert re.findall(r"@@ line (\d+) @@", text) == [line]


def test_there_is_no_golden_body_that_nothing_writes() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(BODIES)


def test_equal_input_gives_equal_bytes() -> None:
    assert full() == full()
