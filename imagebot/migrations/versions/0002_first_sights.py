"""Since when each tag and digest is known, and what digests hold."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "digest_cache",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("used_at", sa.Float, nullable=False),
        sa.Index("digest_cache_by_use", "used_at", "size_bytes"),
    )
    op.create_table(
        "sight_clock",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("latest_at", sa.Float, nullable=False),
    )
    op.create_table(
        "sight_repository",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("seeded_at", sa.Float),
    )
    op.create_table(
        "sight",
        sa.Column("repository_id", sa.Integer, primary_key=True),
        sa.Column("tag", sa.Text, primary_key=True),
        sa.Column("first_seen_at", sa.Float, nullable=False),
        sa.Column("is_seeded", sa.Boolean, nullable=False),
        sa.Column("digest", sa.Text),
        sa.Column("moved_from", sa.Text),
        sqlite_with_rowid=False,
    )
