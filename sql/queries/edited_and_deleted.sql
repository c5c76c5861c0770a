-- Clockings that were corrected or deleted, with the time as registered and as it stands now.
SELECT
    c.tenant,
    c.date,
    coalesce(p.employee_number, c.person_id::text) AS employee,
    p.last_name,
    p.first_name,
    c.id AS clocking,
    c.date + make_interval(mins => c.original_time_of_day_in_minutes) AS registered,
    c.date + make_interval(mins => c.time_of_day_in_minutes) AS now,
    c.deleted_at,
    c.deleted_by
FROM protime.clockings AS c
LEFT JOIN protime.people AS p ON p.tenant = c.tenant AND p.id = c.person_id
WHERE c.original_time_of_day_in_minutes IS NOT NULL OR c.deleted_at IS NOT NULL
ORDER BY c.date DESC, c.tenant, employee, registered;
