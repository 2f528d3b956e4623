"""How a store of an older imagebot becomes one of this: Alembic's revisions, shipped in here.

Does I/O within the caller's transaction, which holds the lock that keeps others away. A revision
is a file of versions/, numbered; the tables as they are now stand in imagebot/tables.py.
"""

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

_REVISIONS = sa.Table("imagebot_revision", sa.MetaData(), sa.Column("version_num", sa.Text))
# What said so before there were revisions; its number is that of the revision.
_NUMBERED = sa.Table("imagebot_schema", sa.MetaData(), sa.Column("version", sa.Integer))


def upgrade(connection: Connection) -> None:
    """Bring a database up to date: an empty one too."""
    # Not at the top: it takes as long to load as everything else, and is seldom needed.
    from alembic import command
    from alembic.config import Config

    config = Config()
    # A percent sign in the path would be taken for the beginning of a variable.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes |= {"connection": connection, "version_table": _REVISIONS.name}
    if sa.inspect(connection).has_table(_NUMBERED.name):
        command.stamp(config, found_revision(connection) or "base")
        _NUMBERED.drop(connection)
    command.upgrade(config, "head")


def found_revision(connection: Connection) -> str | None:
    """The revision that a database is at, None for one that is at none."""
    inspector = sa.inspect(connection)
    if inspector.has_table(_REVISIONS.name):
        return connection.execute(sa.select(_REVISIONS.c.version_num)).scalar()
    if inspector.has_table(_NUMBERED.name):
        number = connection.execute(sa.select(sa.func.max(_NUMBERED.c.version))).scalar()
        return None if number is None else f"{number:04}"
    return None


@cache
def known_revisions() -> tuple[str, ...]:
    """Every revision of this imagebot, the newest first."""
    files = Path(__file__).parent.glob("versions/[0-9]*.py")
    return tuple(sorted((file.name[:4] for file in files), reverse=True))
