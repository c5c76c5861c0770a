-- Whether the staged record `s` was deleted, in this version or a newer one, before the table had it; of versions that
-- are accepted, whether that was learnt since the reading began.
EXISTS (
    SELECT FROM protime_etl.tombstones AS g
    WHERE g.tenant = %(tenant)s AND g.collection = %(collection)s AND g.id = s.id
        AND g.change_version >= s.change_version AND NOT ({accepts_older} AND g.deleted_at <= %(began)s)
)
