-- Deletions of a delta that say something new.
SELECT d.id, d.version FROM unnest(%(ids)s::bigint[], %(versions)s::text[]) AS d (id, version)
LEFT JOIN LATERAL (
    SELECT * FROM {target} AS t WHERE t.tenant = (SELECT %(tenant)s::text) AND t.id = d.id OFFSET 0
) AS t ON true
LEFT JOIN LATERAL (
    SELECT * FROM protime_etl.tombstones AS g
    WHERE g.tenant = %(tenant)s AND g.collection = %(collection)s AND g.id = d.id OFFSET 0
) AS g ON true
WHERE CASE
    -- A row that is older, or live where the version is the same or unknown.
    WHEN t.id IS NOT NULL THEN d.version = '' AND t.deleted_at IS NULL OR t.change_version < d.version COLLATE "C"
        OR t.change_version = d.version AND t.deleted_at IS NULL
    -- A tombstone that is older.
    WHEN g.id IS NOT NULL THEN g.change_version < d.version COLLATE "C"
    -- Neither: the deletion leaves a tombstone.
    ELSE true
END
ORDER BY d.id
