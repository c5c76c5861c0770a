-- In the order of the ids, so that two transactions cannot deadlock.
(SELECT * FROM unnest(%(ids)s::bigint[], %(versions)s::text[]) AS d (id, version) ORDER BY id)
