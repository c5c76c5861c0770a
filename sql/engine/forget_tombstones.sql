-- Of records that came back in a newer version, or in one that was accepted: their rows are the newer knowledge.
DELETE FROM protime_etl.tombstones AS g USING {staging} AS s
WHERE g.tenant = %(tenant)s AND g.collection = %(collection)s AND g.id = s.id
    AND (g.change_version < s.change_version OR g.id = ANY(%(accepted)s::bigint[]))
