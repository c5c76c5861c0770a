-- Days in full, the last two weeks: department, first in and last out, absence, and the flextime balance after the day.
SELECT
    t.tenant,
    t.date,
    p.employee_number AS employee,
    d.name AS department,
    to_char(b.first_in, 'HH24:MI') AS "in",
    to_char(b.last_out, 'HH24:MI') AS out,
    a.name AS absence,
    t.flextime_balance_in_minutes AS balance
FROM protime.calculated_totals AS t
JOIN protime.tenants AS n USING (tenant)
JOIN protime.people AS p ON p.tenant = t.tenant AND p.id = t.person_id
LEFT JOIN protime.daily_presence AS b ON b.tenant = t.tenant AND b.person_id = t.person_id AND b.date = t.date
LEFT JOIN LATERAL (
    SELECT h.department_id FROM protime.department_histories AS h
    WHERE h.tenant = t.tenant AND h.person_id = t.person_id AND h.deleted_at IS NULL
        AND t.date >= h.from_date AND t.date <= coalesce(h.until_date, t.date)
    ORDER BY h.from_date DESC LIMIT 1
) AS h ON true
LEFT JOIN protime.departments AS d ON d.tenant = t.tenant AND d.id = h.department_id
LEFT JOIN LATERAL (
    SELECT x.name FROM protime.absences AS s
    JOIN protime.absence_definitions AS x ON x.tenant = s.tenant AND x.id = s.resulting_absence_definition_id
    WHERE s.tenant = t.tenant AND s.person_id = t.person_id AND s.date = t.date AND s.deleted_at IS NULL
    ORDER BY s.id LIMIT 1
) AS a ON true
WHERE t.deleted_at IS NULL AND t.date > n.today - 14 AND t.date <= n.today
ORDER BY t.tenant, p.employee_number, t.date DESC;
