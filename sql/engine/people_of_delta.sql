-- People whose records were staged, or have rows that the delta changes or deletes: one may have moved to another person.
SELECT person_id FROM {staging}
UNION
SELECT t.person_id FROM (SELECT id FROM {staging} UNION SELECT unnest(%(ids)s::bigint[])) AS s
CROSS JOIN LATERAL (
    SELECT * FROM {target} AS t WHERE t.tenant = (SELECT %(tenant)s::text) AND t.id = s.id OFFSET 0
) AS t
