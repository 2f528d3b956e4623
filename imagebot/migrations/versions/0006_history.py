"""What was decided and why, pull requests seen, what is counted of both, and what was told."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "decision",
        sa.Column("repository", sa.Text, primary_key=True),
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("image", sa.Text, nullable=False),
        sa.Column("current", sa.Text, nullable=False),
        sa.Column("chosen", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("until", sa.Float),
        sa.Column("decided_at", sa.Float, nullable=False),
        sa.Column("behind_since", sa.Float),
    )
    op.create_table(
        "decision_change",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("repository", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("image", sa.Text, nullable=False),
        sa.Column("current", sa.Text, nullable=False),
        sa.Column("chosen", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Index("decision_change_by_repository", "repository", "id"),
    )
    op.create_table(
        "request_seen",
        sa.Column("repository", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("group_name", sa.Text, nullable=False),
        sa.Column("branch", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("opened_at", sa.Float, nullable=False),
        sa.Column("ended_at", sa.Float),
        sa.Column("versions", sa.Text, nullable=False),
        sa.Column("first_seen_at", sa.Float),
        sa.Index("request_seen_by_state", "repository", "state"),
    )
    op.create_table(
        "history_tally",
        sa.Column("repository", sa.Text, primary_key=True),
        sa.Column("figure", sa.Text, primary_key=True),
        sa.Column("bucket", sa.Integer, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("total_seconds", sa.Float, nullable=False),
    )
    op.create_table(
        "told",
        sa.Column("notifier", sa.Text, primary_key=True),
        sa.Column("repository", sa.Text, primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
    )
