-- Records confirmed missing are marked deleted, except rows that another transaction has written since they were asked
-- for, or is writing now. Those are skipped and not waited for: what they will hold is newer than the answer.
WITH missing AS (
    SELECT t.id FROM {target} AS t
    WHERE t.tenant = (SELECT %(tenant)s::text) AND t.id = ANY(%(ids)s::bigint[])
        AND t.deleted_at IS NULL AND t.written_at <= %(asked_at)s
    ORDER BY t.id
    FOR UPDATE SKIP LOCKED
)
UPDATE {target} AS t
SET deleted_at = statement_timestamp(), deleted_by = 'vanished', written_at = statement_timestamp()
FROM missing WHERE t.tenant = (SELECT %(tenant)s::text) AND t.id = missing.id
RETURNING {row_person}, {row_day}
