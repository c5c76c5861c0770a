-- For a column that deltas lack.
{column} = CASE WHEN {only_fills} THEN coalesce(excluded.{column}, t.{column}) ELSE excluded.{column} END
