"""Which git repository uses which image repository, and when each of these is asked."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "image_use",
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("image", sa.Text, primary_key=True),
        sa.Column("interval_seconds", sa.Float),
        sa.Column("followed", sa.Text, nullable=False),
        sa.Index("image_use_by_image", "image"),
    )
    op.create_table(
        "image_poll",
        sa.Column("image", sa.Text, primary_key=True),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("claimed_until", sa.Float),
        sa.Column("wanted_at", sa.Float),
        sa.Column("polled_at", sa.Float),
        sa.Column("changed_at", sa.Float, nullable=False),
        sa.Column("fails", sa.Integer, nullable=False),
        sa.Column("trouble", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("etag", sa.Text, nullable=False),
        sa.Column("digests", sa.Text, nullable=False),
        sa.Index("image_poll_by_due", "due_at"),
    )
    op.create_table(
        "listing_cache",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("used_at", sa.Float, nullable=False),
        sa.Index("listing_cache_by_use", "used_at", "size_bytes"),
    )
