-- What was rejected before and is not in the complete list any more.
DELETE FROM protime_etl.rejected_record
WHERE tenant = %(tenant)s AND collection = %(collection)s AND last_seen_at < %(began)s
