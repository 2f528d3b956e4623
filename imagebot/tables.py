"""The tables of the store, as the newest migration leaves them.

Pure. What the tables mean is the affair of those who speak SQL over them; how a store of an older
imagebot gets them, that of migrations/, which a test compares with this page.
"""

from datetime import UTC, datetime

import sqlalchemy as sa


class Moment(sa.types.TypeDecorator[datetime]):
    """A point in time as seconds since 1970 in UTC: SQLite has no type that keeps the zone."""

    impl = sa.Float
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> float | None:
        return None if value is None else value.timestamp()

    def process_result_value(self, value: float | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value, UTC)


schema = sa.MetaData()
targets = sa.Table(
    "target",
    schema,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("requested", sa.Integer, nullable=False),
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("not_before", Moment),
    sa.Column("fails", sa.Integer, nullable=False),
    sa.Column("polled_at", Moment),  # when it was last requested because its interval had passed
)
host_limits = sa.Table(
    "host_limit",
    schema,
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("not_before", Moment, nullable=False),  # as the host asked
    sa.Column("arrival_at", Moment, nullable=False),  # when the next request is due at its rate
)
runs = sa.Table(
    "run",
    schema,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("repository", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("ended_at", Moment, nullable=False),
    sa.Index("run_by_repository", "repository", "id"),
)


def _kept(name: str) -> sa.Table:
    """A table of what may be forgotten: see kept.py."""
    return sa.Table(
        name,
        schema,
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("used_at", Moment, nullable=False),
        sa.Index(f"{name}_by_use", "used_at", "size_bytes"),
    )


occurrences = _kept("occurrence_cache")
digests = _kept("digest_cache")
image_uses = sa.Table(
    "image_use",
    schema,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("image", sa.Text, primary_key=True),
    sa.Column("interval_seconds", sa.Float),
    sa.Column("followed", sa.Text, nullable=False),  # tags in JSON
    sa.Index("image_use_by_image", "image"),
)
image_polls = sa.Table(
    "image_poll",
    schema,
    sa.Column("image", sa.Text, primary_key=True),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("claimed_until", Moment),
    sa.Column("wanted_at", Moment),
    sa.Column("polled_at", Moment),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("fails", sa.Integer, nullable=False),
    sa.Column("trouble", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),  # of the listing
    sa.Column("etag", sa.Text, nullable=False),
    sa.Column("digests", sa.Text, nullable=False),  # of followed tags, in JSON
    sa.Index("image_poll_by_due", "due_at"),
)
listings = _kept("listing_cache")
deliveries = sa.Table(
    "delivery",
    schema,
    sa.Column("receiver", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("until", Moment, nullable=False),
    sa.Index("delivery_by_until", "until"),
)
sight_clock = sa.Table(
    "sight_clock",
    schema,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("latest_at", Moment, nullable=False),
)
sight_repositories = sa.Table(
    "sight_repository",
    schema,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("seeded_at", Moment),
)
sights = sa.Table(
    "sight",
    schema,
    sa.Column("repository_id", sa.Integer, primary_key=True),
    sa.Column("tag", sa.Text, primary_key=True),
    sa.Column("first_seen_at", Moment, nullable=False),
    sa.Column("is_seeded", sa.Boolean, nullable=False),
    sa.Column("digest", sa.Text),
    sa.Column("moved_from", sa.Text),
    sqlite_with_rowid=False,
)
