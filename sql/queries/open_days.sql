-- Days before today with a missing clocking, the ones to correct before payroll.
SELECT date, coalesce(employee_number, person_id::text) AS employee, last_name, first_in, last_out, clockings
FROM protime.daily_presence
JOIN protime_etl.tenants USING (tenant)
WHERE is_open AND date < (now() AT TIME ZONE timezone)::date
ORDER BY date DESC, employee;
