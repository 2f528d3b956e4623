"""`imagebot policy test` and `imagebot policy replay`: try a policy before it is merged."""

import argparse

from imagebot.cli import policy_replay, policy_test


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "policy",
        help="try a policy file on a list of tags, or on the past of an image",
        description="For policy files that are being edited: neither needs a checkout.",
    )
    inner = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    policy_test.add(inner)
    policy_replay.add(inner)
