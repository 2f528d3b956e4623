"""What is owed, what came of it, what was parsed."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "target",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("requested", sa.Integer, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("not_before", sa.Float),
        sa.Column("fails", sa.Integer, nullable=False),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("repository", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("started_at", sa.Float, nullable=False),
        sa.Column("ended_at", sa.Float, nullable=False),
        sa.Index("run_by_repository", "repository", "id"),
    )
    op.create_table(
        "occurrence_cache",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("used_at", sa.Float, nullable=False),
        sa.Index("occurrence_cache_by_use", "used_at", "size_bytes"),
    )
