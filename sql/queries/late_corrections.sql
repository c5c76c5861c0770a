-- Clockings that were changed or deleted later than the day after: what was known before, what now, and since when.
--
-- What came late altogether has no earlier version and is not here.
SELECT
    v.tenant,
    (n.written_at AT TIME ZONE t.timezone)::timestamp(0) AS noticed_at,
    coalesce(p.employee_number, v.person_id::text) AS employee,
    p.last_name,
    p.first_name,
    v.id AS clocking,
    v.date + make_interval(mins => v.time_of_day_in_minutes) AS before,
    CASE WHEN n.deleted_at IS NULL THEN n.date + make_interval(mins => n.time_of_day_in_minutes) END AS after,
    n.deleted_at IS NOT NULL AS is_deleted
FROM protime.clocking_versions AS v
JOIN protime.tenants AS t ON t.tenant = v.tenant
CROSS JOIN LATERAL (
    SELECT c.date, c.time_of_day_in_minutes, c.person_id, c.kind, c.deleted_at, c.written_at
    FROM protime.clockings AS c
    WHERE c.tenant = v.tenant AND c.id = v.id AND c.written_at = v.valid_to
    UNION ALL
    SELECT o.date, o.time_of_day_in_minutes, o.person_id, o.kind, o.deleted_at, o.valid_from
    FROM protime.clocking_versions AS o
    WHERE o.tenant = v.tenant AND o.id = v.id AND o.valid_from = v.valid_to
) AS n
LEFT JOIN protime.people AS p ON p.tenant = v.tenant AND p.id = v.person_id
WHERE (n.written_at AT TIME ZONE t.timezone)::date > v.date + 1
    AND (v.date, v.time_of_day_in_minutes, v.person_id, v.kind, v.deleted_at IS NULL)
        IS DISTINCT FROM (n.date, n.time_of_day_in_minutes, n.person_id, n.kind, n.deleted_at IS NULL)
ORDER BY noticed_at DESC, v.tenant, employee, clocking;
