-- Hours present by person and ISO week, newest first; open days are counted so that they can be looked into.
SELECT
    tenant,
    to_char(date, 'IYYY-"W"IW') AS week,
    coalesce(employee_number, person_id::text) AS employee,
    last_name,
    first_name,
    round(sum(present_minutes) / 60.0, 2) AS hours,
    count(*) AS days,
    count(*) FILTER (WHERE is_open) AS open_days
FROM protime.daily_presence
GROUP BY tenant, week, person_id, employee, last_name, first_name
ORDER BY week DESC, tenant, employee;
