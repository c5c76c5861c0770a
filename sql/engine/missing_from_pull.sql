-- Live rows of a scope that a complete pull of this scope did not bring: deleted, or moved elsewhere.
SELECT {wanted} FROM {target} AS t
WHERE t.tenant = (SELECT %(tenant)s::text) AND t.deleted_at IS NULL AND {scope}
    -- A rejected record without a readable id may be any of them, so nothing can be said.
    AND NOT EXISTS (SELECT FROM {rejected} AS r WHERE r.record_id IS NULL)
    -- A rejected record is there, even if it could not be understood.
    AND NOT EXISTS (SELECT FROM {rejected} AS r WHERE r.record_id = t.id)
    AND NOT EXISTS (SELECT FROM {staging} AS s WHERE s.id = t.id)
ORDER BY t.id
