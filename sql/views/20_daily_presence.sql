-- One row a person and day: first in, last out, minutes present, and whether the day is still open.
--
-- Protime gives no direction. Clockings of the kinds InOut and Reason are taken in turn as in, out, in, out; the kinds
-- Activity and ActivityEnd say what a person works on and not whether they are there. Minutes are counted between
-- moments, so that a night in which the clocks change is as long as it really was. A day with an odd number of
-- clockings is open: the person is in, or a clocking is missing; its last "in" counts no minutes.
CREATE OR REPLACE VIEW protime.daily_presence AS
WITH turns AS (
    SELECT
        tenant,
        person_id,
        date,
        local_time,
        moment,
        row_number() OVER day AS turn,
        lead(moment) OVER day AS next_moment
    FROM protime.clockings_local
    WHERE kind IN ('InOut', 'Reason')
    WINDOW day AS (PARTITION BY tenant, person_id, date ORDER BY moment, id)
),
days AS (
    SELECT
        tenant,
        person_id,
        date,
        min(local_time) AS first_in,
        max(local_time) FILTER (WHERE turn % 2 = 0) AS last_out,
        -- No more than an integer holds: an absurd minute may not fail the rows of all others.
        least(
            coalesce(round(sum(extract(epoch FROM next_moment - moment) / 60) FILTER (WHERE turn % 2 = 1)), 0), 2147483647
        )::integer AS present_minutes,
        count(*)::integer AS clockings,
        count(*) % 2 = 1 AS is_open
    FROM turns
    GROUP BY tenant, person_id, date
)
SELECT
    days.tenant,
    days.date,
    days.person_id,
    people.employee_number,
    people.last_name,
    people.first_name,
    days.first_in,
    days.last_out,
    days.present_minutes,
    days.is_open,
    days.clockings
FROM days
LEFT JOIN protime.people ON people.tenant = days.tenant AND people.id = days.person_id;

COMMENT ON VIEW protime.daily_presence IS 'Presence by person and day, from clockings taken in turn as in and out.';
COMMENT ON COLUMN protime.daily_presence.tenant IS 'Tenant: sub-domain of the myProtime URL.';
COMMENT ON COLUMN protime.daily_presence.date IS 'Day that the clockings belong to, assigned by Protime.';
COMMENT ON COLUMN protime.daily_presence.person_id IS 'Protime''s internal id of the person.';
COMMENT ON COLUMN protime.daily_presence.employee_number IS 'Employee number, the employer''s own key.';
COMMENT ON COLUMN protime.daily_presence.last_name IS 'Last name.';
COMMENT ON COLUMN protime.daily_presence.first_name IS 'First name.';
COMMENT ON COLUMN protime.daily_presence.first_in IS 'Local time of the first clocking.';
COMMENT ON COLUMN protime.daily_presence.last_out IS 'Local time of the last clocking that ends a presence.';
COMMENT ON COLUMN protime.daily_presence.present_minutes IS 'Minutes between each in and its out, added up.';
COMMENT ON COLUMN protime.daily_presence.is_open IS 'An odd number of clockings: the person is in, or a clocking is missing.';
COMMENT ON COLUMN protime.daily_presence.clockings IS 'How many clockings the day has.';
