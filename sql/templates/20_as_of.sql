-- The rows of {table} as they were at a moment, deleted ones included. Rendered for each collection that keeps versions.
--
-- SELECT * FROM {as_of}('2026-03-31 18:00 Europe/Brussels');
--
-- The columns are named here and are not those of the table, to which a user may have added some.
--
-- "At a moment" is when the statement that wrote a row began; its transaction is committed a moment later.
CREATE OR REPLACE FUNCTION {as_of}(moment timestamptz) RETURNS TABLE ({typed_columns}, written_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT {current}, t.written_at FROM {table} AS t WHERE t.written_at <= moment
    UNION ALL
    SELECT {former}, v.valid_from FROM {versions} AS v WHERE v.valid_from <= moment AND moment < v.valid_to
$$;

COMMENT ON FUNCTION {as_of}(timestamptz) IS {comment};
