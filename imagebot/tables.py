"""The tables of the store, as the newest migration leaves them.

Pure. What the tables mean is the affair of those who speak SQL over them; how a store of an older
imagebot gets them, that of migrations/, which a test compares with this page.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa


class Moment(sa.types.TypeDecorator[datetime]):
    """A point in time as seconds since 1970 in UTC: SQLite has no type that keeps the zone."""

    impl = sa.Float
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> float | None:
        return None if value is None else value.timestamp()

    def process_result_value(self, value: float | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value, UTC)


def earlier(moment: sa.Column[datetime], by: timedelta) -> sa.ColumnElement[float]:
    """That much earlier; NULL stays NULL."""
    return sa.type_coerce(moment, sa.Float) - by.total_seconds()


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
decisions = sa.Table(
    "decision",
    schema,
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
    sa.Column("until", Moment),
    sa.Column("decided_at", Moment, nullable=False),
    sa.Column("behind_since", Moment),
)
decision_changes = sa.Table(
    "decision_change",
    schema,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("repository", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("before", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("image", sa.Text, nullable=False),
    sa.Column("current", sa.Text, nullable=False),
    sa.Column("chosen", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Index("decision_change_by_repository", "repository", "id"),
)
requests_seen = sa.Table(
    "request_seen",
    schema,
    sa.Column("repository", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("group_name", sa.Text, nullable=False),
    sa.Column("branch", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Column("versions", sa.Text, nullable=False),  # in JSON
    sa.Column("first_seen_at", Moment),
    sa.Index("request_seen_by_state", "repository", "state"),
)
# Counters and histograms that outlive the process, and the rows that they were counted from.
tallies = sa.Table(
    "history_tally",
    schema,
    sa.Column("repository", sa.Text, primary_key=True),
    sa.Column("figure", sa.Text, primary_key=True),  # opened, merged, closed; lead:proposed ...
    sa.Column("bucket", sa.Integer, primary_key=True),  # of history_model.Lead, 0 for counters
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("total_seconds", sa.Float, nullable=False),
)
told = sa.Table(
    "told",
    schema,
    sa.Column("notifier", sa.Text, primary_key=True),
    sa.Column("repository", sa.Text, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),  # in JSON, see telling.py
)
