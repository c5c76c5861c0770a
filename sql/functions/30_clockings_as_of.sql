-- The rows of protime.clockings as they were at a moment, deleted ones included.
--
-- SELECT * FROM protime.clockings_as_of('2026-03-31 18:00 Europe/Brussels') WHERE date >= '2026-03-01';
--
-- The columns are those of the type protime.clocking_then and not of the table, to which a user may have added some.
--
-- "At a moment" is when the statement that wrote a row began; its transaction is committed a moment later.
CREATE OR REPLACE FUNCTION protime.clockings_as_of(moment timestamptz) RETURNS SETOF protime.clocking_then
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT
        tenant, id, person_id, date, time_of_day_in_minutes, kind, change_version, original_time_of_day_in_minutes,
        calculated_time_of_day_in_minutes, is_generated, terminal_id, longitude, latitude, reason_id, is_open,
        activity_levels, status, extra, deleted_at, deleted_by, written_at
    FROM protime.clockings WHERE written_at <= moment
    UNION ALL
    SELECT
        tenant, id, person_id, date, time_of_day_in_minutes, kind, change_version, original_time_of_day_in_minutes,
        calculated_time_of_day_in_minutes, is_generated, terminal_id, longitude, latitude, reason_id, is_open,
        activity_levels, status, extra, deleted_at, deleted_by, valid_from
    FROM protime.clocking_versions WHERE valid_from <= moment AND moment < valid_to
$$;

COMMENT ON FUNCTION protime.clockings_as_of(timestamptz) IS 'protime.clockings as it was at that moment.';
