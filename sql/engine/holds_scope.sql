-- Whether the table holds a row of these people on these days, even a deleted one, or there ever was a delta, or
-- COPY is refused as policies of row-level security hold for this user.
SELECT EXISTS (
    -- One look into the index a person: without statistics the planner would rather read these days of all people.
    SELECT FROM unnest(%(people)s::bigint[]) AS p, LATERAL (
        SELECT FROM {target}
        WHERE tenant = (SELECT %(tenant)s::text) AND person_id = p
            AND date BETWEEN (SELECT %(first)s::date) AND (SELECT %(last)s::date)
        LIMIT 1
    ) AS found
) OR EXISTS (SELECT FROM protime_etl.deltas WHERE tenant = %(tenant)s AND collection = %(collection)s)
OR row_security_active(%(table)s::text)
