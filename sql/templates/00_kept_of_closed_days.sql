-- Rows of days up to which the calendar of their person is closed: payroll has read these. Of open days one late edit
-- moves every later balance, and what it replaces has no meaning.
EXISTS (
    SELECT FROM protime.people AS p
    WHERE p.tenant = o.tenant AND p.id = o.person_id AND p.period_closing_date >= o.{day}
)
