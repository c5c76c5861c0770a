"""Units become rows: one, many by workers, runs, backfills, lists."""
