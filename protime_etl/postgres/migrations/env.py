"""Alembic's entry: runs the versions on the connection that `upgrade_schema` hands over."""

from alembic import context

from protime_etl.postgres.tables.all import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table_schema="protime_etl",
    include_schemas=True,
    include_name=lambda name, type_, _: type_ != "schema" or name in ("protime", "protime_etl"),
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
