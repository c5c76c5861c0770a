-- People in service without a clocking on the last weekday before today; leave and holidays are not known here.
--
-- `people_not_read`: for how many people that day was not read completely. Above 0, some rows may be wrong.
WITH days AS (
    SELECT tenant, max(day::date) AS date
    FROM protime.tenants, generate_series(today - 3, today - 1, interval '1 day') AS day
    WHERE extract(isodow FROM day) < 6
    GROUP BY tenant
)
SELECT
    d.tenant,
    d.date,
    coalesce(p.employee_number, p.id::text) AS employee,
    p.last_name,
    p.first_name,
    c.people_not_read
FROM days AS d
JOIN protime.people AS p ON p.tenant = d.tenant AND p.deleted_at IS NULL
    AND d.date BETWEEN coalesce(p.in_service_date, '-infinity') AND coalesce(p.out_of_service_date, 'infinity')
LEFT JOIN protime.coverage AS c ON c.tenant = d.tenant AND c.date = d.date
WHERE NOT EXISTS (
    SELECT FROM protime.clockings AS k
    WHERE k.tenant = p.tenant AND k.person_id = p.id AND k.date = d.date AND k.deleted_at IS NULL
)
ORDER BY d.tenant, employee;
