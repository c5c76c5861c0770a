-- Days before today with a missing clocking, the ones to correct before payroll.
SELECT tenant, date, coalesce(employee_number, person_id::text) AS employee, last_name, first_name, first_in, last_out, clockings
FROM protime.daily_presence
JOIN protime.tenants USING (tenant)
WHERE is_open AND date < today
ORDER BY date DESC, tenant, employee;
