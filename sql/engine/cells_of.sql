-- Whose days these staged records are on, and their rows.
SELECT {read_person}, {read_day} FROM {staging} AS s WHERE s.id = ANY(%(ids)s::bigint[])
UNION
SELECT {row_person}, {row_day} FROM unnest(%(ids)s::bigint[]) AS s (id) CROSS JOIN LATERAL (
    SELECT * FROM {target} AS t WHERE t.tenant = (SELECT %(tenant)s::text) AND t.id = s.id OFFSET 0
) AS t
