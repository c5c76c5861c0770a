-- What pulls had to repair although a delta is active and has had its chance to report it.
--
-- A pull may be faster than the delta; then the delta brings the same or a newer version with one of its next polls and
-- the row disappears from here. A row that stays was never reported by the delta.
CREATE OR REPLACE VIEW protime.drift AS
SELECT
    c.tenant,
    c.collection,
    c.id,
    c.action,
    c.change_version,
    c.found_at,
    d.requested_at AS delta_requested_at
FROM protime_etl.drift_candidates AS c
JOIN protime_etl.deltas AS d USING (tenant, collection)
WHERE d.status = 'active' AND c.found_at < d.requested_at;

COMMENT ON VIEW protime.drift IS 'Changes that the delta missed and a pull repaired. Empty: the delta can be trusted. A few now and then: the delta misses some changes, and the pulls repair them. Many: rely on the pulls and report it to Protime.';
COMMENT ON COLUMN protime.drift.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.drift.collection IS 'Collection of the record.';
COMMENT ON COLUMN protime.drift.id IS 'Protime''s id of the record.';
COMMENT ON COLUMN protime.drift.action IS 'What the pull had to do: inserted, updated or deleted.';
COMMENT ON COLUMN protime.drift.change_version IS 'Version that the pull left in the table.';
COMMENT ON COLUMN protime.drift.found_at IS 'When the pull wrote it.';
COMMENT ON COLUMN protime.drift.delta_requested_at IS 'Last good request of the delta, which is later.';
