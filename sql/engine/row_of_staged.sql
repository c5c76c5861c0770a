-- Joins each staged record `s` with its row `t` of the table. OFFSET 0 keeps the planner from any other way than the
-- index, whatever the statistics say.
LEFT JOIN LATERAL (
    SELECT * FROM {target} AS t WHERE t.tenant = (SELECT %(tenant)s::text) AND t.id = s.id OFFSET 0
) AS t ON true
