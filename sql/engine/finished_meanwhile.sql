-- Units that were done after this pull began. Almost always there are none, and then no staged record is checked. Those
-- of circles do not know whose records they read.
SELECT u.person_ids, u.date_from, u.date_to
FROM protime_etl.units AS u JOIN protime_etl.runs AS r USING (run_id)
WHERE r.tenant = %(tenant)s AND u.collection = %(collection)s AND u.status = 'done' AND u.finished_at > %(began)s AND u.circles IS NULL
