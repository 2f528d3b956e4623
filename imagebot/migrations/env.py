"""What Alembic runs to migrate: everything in the transaction that it was handed."""

from alembic import context

context.configure(
    **context.config.attributes,  # the connection, and the table of revisions
    transactional_ddl=True,  # SQLite's is too, as imagebot opens it
)
with context.begin_transaction():
    context.run_migrations()
