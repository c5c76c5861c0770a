-- Hours present by day, of the last four weeks: how many people were there, together and on average.
SELECT
    tenant,
    date,
    count(*) AS people,
    round(sum(present_minutes) / 60.0, 2) AS hours,
    round(avg(present_minutes) / 60.0, 2) AS hours_a_person,
    count(*) FILTER (WHERE is_open) AS open_days
FROM protime.daily_presence
JOIN protime.tenants USING (tenant)
WHERE date > today - 28
GROUP BY tenant, date
ORDER BY date DESC, tenant;
