-- Keeps what an update of protime.clockings replaces in protime.clocking_versions.
--
-- Once a statement and only for updates: a first load inserts and pays nothing, and no writer can forget it. Rows that
-- somebody removes with DELETE are not kept: whoever does that wants them gone.
CREATE OR REPLACE FUNCTION protime_etl.keep_versions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO protime.clocking_versions (
        tenant, id, person_id, date, time_of_day_in_minutes, kind, change_version, original_time_of_day_in_minutes,
        calculated_time_of_day_in_minutes, is_generated, terminal_id, longitude, latitude, reason_id, is_open,
        activity_levels, status, extra, deleted_at, deleted_by, valid_from, valid_to
    )
    SELECT
        o.tenant, o.id, o.person_id, o.date, o.time_of_day_in_minutes, o.kind, o.change_version,
        o.original_time_of_day_in_minutes, o.calculated_time_of_day_in_minutes, o.is_generated, o.terminal_id,
        o.longitude, o.latitude, o.reason_id, o.is_open, o.activity_levels, o.status, o.extra, o.deleted_at,
        o.deleted_by, o.written_at, n.written_at
    FROM superseded AS o JOIN superseding AS n ON n.tenant = o.tenant AND n.id = o.id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION protime_etl.keep_versions() IS 'Trigger: keeps what an update replaces.';

CREATE OR REPLACE TRIGGER keep_versions AFTER UPDATE ON protime.clockings
REFERENCING OLD TABLE AS superseded NEW TABLE AS superseding
FOR EACH STATEMENT EXECUTE FUNCTION protime_etl.keep_versions();
