-- Presence over midnight: in on one day of the calendar and out on the next, with the day that Protime counts it to.
SELECT
    tenant,
    date,
    coalesce(employee_number, person_id::text) AS employee,
    last_name,
    first_name,
    first_in,
    last_out,
    round(present_minutes / 60.0, 2) AS hours
FROM protime.daily_presence
WHERE first_in::date <> last_out::date
ORDER BY date DESC, tenant, employee;
