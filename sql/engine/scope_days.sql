-- In subqueries, so that the planner does not ask statistics that may know nothing of these days.
{day} BETWEEN (SELECT %(first)s::date) AND (SELECT %(last)s::date)
