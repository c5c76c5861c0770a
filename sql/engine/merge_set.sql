{column} = CASE WHEN {only_fills} THEN t.{column} ELSE excluded.{column} END
