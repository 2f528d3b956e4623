"""What several processes tell each other: who polled last, and which hosts are to be left alone."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("target", sa.Column("polled_at", sa.Float))
    op.create_table(
        "host_limit",
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("not_before", sa.Float, nullable=False),
        sa.Column("arrival_at", sa.Float, nullable=False),
    )
