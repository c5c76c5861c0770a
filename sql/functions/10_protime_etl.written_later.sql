-- Makes sure that each version of a row is written after the one before it.
--
-- `written_at` is the moment at which the writing statement began. One that then waited for the row's lock began before
-- the version that it replaces was written; without this, the two would be valid at the same time. The condition of the
-- trigger (sql/templates) is all that an ordinary update pays.
CREATE OR REPLACE FUNCTION protime_etl.written_later() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.written_at := greatest(statement_timestamp(), OLD.written_at + interval '1 microsecond');
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION protime_etl.written_later() IS 'Trigger: a version is written after the one that it replaces.';
