-- What was rejected before and has come as it should be.
DELETE FROM protime_etl.rejected_record AS r
WHERE r.tenant = %(tenant)s AND r.collection = %(collection)s
    AND EXISTS (SELECT FROM {staging} AS s WHERE s.id = r.record_id)
    AND NOT EXISTS (SELECT FROM {rejected} AS again WHERE again.record_id = r.record_id)
