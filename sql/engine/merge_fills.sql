-- Whether {read} has a column that deltas lack, and that its row `t` has not or has otherwise.
{read}.{column} IS NOT NULL AND {read}.{column} IS DISTINCT FROM t.{column}
