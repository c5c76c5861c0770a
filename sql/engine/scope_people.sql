t.person_id = ANY(%(people)s::bigint[])
