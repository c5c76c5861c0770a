"""The same engine for a shell or cron: `protime-etl`."""

from protime_etl.cli.commands import main

__all__ = ["main"]
