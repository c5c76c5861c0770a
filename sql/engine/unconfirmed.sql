-- Staged records that are not in the table although a unit of their person and day was done after this pull began. They
-- were created after that unit was read, or they were deleted before it and this pull is the older one.
SELECT DISTINCT s.id FROM {staging} AS s
JOIN unnest(%(people)s::bigint[], %(firsts)s::date[], %(lasts)s::date[]) AS u (person_id, first, last)
    ON {same_person} AND {day} BETWEEN u.first AND u.last
-- LIMIT, as OFFSET 0 elsewhere: by the index, whatever the statistics say.
LEFT JOIN LATERAL (
    SELECT true AS stored FROM {target} AS t WHERE t.tenant = (SELECT %(tenant)s::text) AND t.id = s.id LIMIT 1
) AS t ON true
WHERE t.stored IS NULL
ORDER BY s.id
