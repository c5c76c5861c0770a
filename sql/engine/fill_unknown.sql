-- A column that the answer lacks is taken from the row of the table, as long as the kind of the record stays.
UPDATE {staging} AS s SET {column} = coalesce(s.{column}, (
    SELECT t.{column} FROM {target} AS t
    WHERE t.tenant = (SELECT %(tenant)s::text) AND t.id = s.id AND t.{kind} = s.{kind}
))
WHERE s.id = ANY(%(ids)s::bigint[])
