-- A deleted record without a row leaves a tombstone, so that a late copy of it stays out.
INSERT INTO protime_etl.tombstones AS g (tenant, collection, id, change_version)
SELECT %(tenant)s, %(collection)s, d.id, d.version FROM {deletions} AS d
WHERE NOT EXISTS (SELECT FROM {target} AS t WHERE t.tenant = (SELECT %(tenant)s::text) AND t.id = d.id OFFSET 0)
ON CONFLICT (tenant, collection, id) DO UPDATE
SET change_version = greatest(g.change_version, excluded.change_version)
