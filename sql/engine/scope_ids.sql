t.id = ANY(%(ids)s::bigint[])
