-- What was read against the table, without writing to it. For psycopg.

-- name: compare
-- The staged records of a complete pull against their rows; without days and people where the collection has none. What
-- the tenant has not and the table has is found by `rows_missing`.
WITH judged AS (
    SELECT s.id, {read_day} AS date, s.change_version AS version, ARRAY[{read_person}, {row_person}] AS people,
        ARRAY[{read_day}, {row_day}] AS dates,
        CASE
            -- The tenant has it, and the table has it not or as deleted.
            WHEN t.id IS NULL OR (t.deleted_at IS NOT NULL AND NOT {is_deleted}) THEN 'missing'
            -- Both have it, and not the same.
            WHEN ({read_values}, {is_deleted}) IS DISTINCT FROM ({row_values}, t.deleted_at IS NOT NULL) THEN 'stale'
        END AS kind,
        -- An older version than is stored, or than that of its deletion.
        CASE WHEN t.id IS NULL THEN {is_buried} ELSE s.change_version < t.change_version END AS is_older
    FROM (SELECT DISTINCT ON (id) * FROM {staging} ORDER BY id, change_version DESC) AS s {row_of_staged}
)
SELECT kind, id, date, version, array_remove(people, NULL), array_remove(dates, NULL), 1, is_older FROM judged
WHERE kind IS NOT NULL
UNION ALL
-- Those that are equal, by day.
SELECT NULL, NULL, date, NULL, NULL, NULL, count(*), false FROM judged WHERE kind IS NULL GROUP BY date

-- name: rows_of_scope
-- The rows of a scope, each with its place, in the form in which those that were read are held.
COPY (
    SELECT {compared}, {place}, {deleted}, t.deleted_at IS NOT NULL FROM {target} AS t
    WHERE t.tenant = (SELECT %(tenant)s::text) AND {scope}
        -- Of a row that is deleted only one whose record says so itself can be equal.
        AND (t.deleted_at IS NULL OR {deleted})
) TO STDOUT (FORMAT BINARY)

-- name: rows_missing
-- Live rows of a scope that a complete pull of this scope did not bring: deleted, or moved elsewhere.
SELECT {place} FROM {target} AS t
WHERE t.tenant = (SELECT %(tenant)s::text) AND t.deleted_at IS NULL AND {scope}
    -- A rejected record without a readable id may be any of them, so nothing can be said.
    AND NOT EXISTS (SELECT FROM {rejected} AS r WHERE r.record_id IS NULL)
    -- A rejected record is there, even if it could not be understood.
    AND NOT EXISTS (SELECT FROM {rejected} AS r WHERE r.record_id = t.id)
    AND NOT EXISTS (SELECT FROM {staging} AS s WHERE s.id = t.id)
ORDER BY t.id

-- name: scope_all
-- The complete list.
true

-- name: scope_ids
-- The records with these ids.
t.id = ANY(%(ids)s::bigint[])

-- name: scope_people
-- The records of these people.
t.person_id = ANY(%(people)s::bigint[])

-- name: scope_days
-- The records of these days. In subqueries, so that the planner does not ask statistics that may know nothing of these days.
{day} BETWEEN (SELECT %(first)s::date) AND (SELECT %(last)s::date)
