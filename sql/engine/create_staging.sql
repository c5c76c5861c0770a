-- Temporary tables for this transaction alone: behind a pooler the next transaction may be on another connection of the
-- server. All in one round trip.

-- A unit of a hundred pages is staged in memory. The setting is fixed once a session has used a temporary table, if only
-- in a transaction that was rolled back.
DO $$
BEGIN
    PERFORM set_config('temp_buffers', '32MB', true);
EXCEPTION WHEN invalid_parameter_value THEN
    NULL;
END
$$;

-- What has these names was left behind, by an earlier load of this transaction or by another program.
DROP TABLE IF EXISTS {staging}, {rejected};

-- Records as they were read, in the types of the table.
CREATE TEMPORARY TABLE {staging} ON COMMIT DROP AS SELECT {names} FROM {target} WITH NO DATA;

-- Records that could not be understood.
CREATE TEMPORARY TABLE {rejected} (
    fingerprint text, record_id int8, reason text, record text, person_id int8, date date
) ON COMMIT DROP
