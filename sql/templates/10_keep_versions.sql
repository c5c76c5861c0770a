-- Keeps what an update of {table} replaces in {versions}, and makes sure that each version is written after the one
-- before it (see protime_etl.written_later). Rendered for each collection that keeps versions.
--
-- Once a statement and only for updates: a first load inserts and pays nothing, and no writer can forget it. Rows that
-- a user removes with DELETE are not kept: that user wants them gone.
CREATE OR REPLACE FUNCTION {keep_versions}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO {versions} ({columns}, valid_from, valid_to)
    SELECT {replaced}, o.written_at, n.written_at
    FROM superseded AS o JOIN superseding AS n ON n.tenant = o.tenant AND n.id = o.id
    WHERE {is_kept}
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION {keep_versions}() IS 'Trigger: keeps what an update replaces.';

CREATE OR REPLACE TRIGGER keep_versions AFTER UPDATE ON {table}
REFERENCING OLD TABLE AS superseded NEW TABLE AS superseding
FOR EACH STATEMENT EXECUTE FUNCTION {keep_versions}();

CREATE OR REPLACE TRIGGER written_later BEFORE UPDATE ON {table}
FOR EACH ROW WHEN (NEW.written_at <= OLD.written_at) EXECUTE FUNCTION protime_etl.written_later();
