INSERT INTO protime_etl.rejected_record (tenant, collection, fingerprint, record_id, reason, record, person_id, date)
SELECT DISTINCT ON (fingerprint) %(tenant)s, %(collection)s, fingerprint, record_id, reason, record, person_id, date
FROM {rejected}
-- In one order, so that two loads of the same records cannot deadlock.
ORDER BY fingerprint
ON CONFLICT (tenant, collection, fingerprint) DO UPDATE
SET last_seen_at = clock_timestamp(), reason = excluded.reason, person_id = excluded.person_id, date = excluded.date
