"""How many documented fields could not be read: counted from what the rows keep of them."""

from __future__ import annotations

from collections.abc import Iterable

from protime_etl.collections.collection import OTHER_FORM
from protime_etl.collections.registry import COLLECTIONS

__all__ = ["SHOWN", "other_forms"]

MOST_ROWS = 100_000
"""Rows of a tenant and collection that are counted at most: a count that reaches it is a lower bound."""
# By an index that has these rows alone. A value may be about a person: its example says what it looks like and nothing
# of what it says. Of a text of digits and the signs of days and times each digit is a 0; of any other it is the length.
ROWS = f"""
SELECT t.tenant, '{{path}}' AS collection, r.forms, r.number FROM protime_etl.tenants AS t CROSS JOIN LATERAL (
    SELECT c.extra -> '{OTHER_FORM}' AS forms, row_number() OVER () AS number FROM protime.{{table}} AS c
    WHERE c.tenant = t.tenant AND c.extra ? '{OTHER_FORM}' AND c.deleted_at IS NULL LIMIT {MOST_ROWS}
) AS r
"""
SHOWN = f"SELECT id, extra -> '{OTHER_FORM}' AS fields FROM protime.{{table}} WHERE extra ? '{OTHER_FORM}'"
"""The query of the values themselves, for a user."""
FIELDS = """
SELECT tenant, collection, field, count(*) AS records, bool_or(number = {most}) AS or_more, min(form) AS example
FROM (
    SELECT tenant, collection, field, max(number) OVER (PARTITION BY tenant, collection) AS number,
        CASE jsonb_typeof(value)
            WHEN 'string' THEN CASE
                WHEN text = '' THEN 'an empty text'
                WHEN masked ~ '^[0TZ :.,+/-]{{1,40}}$' THEN 'text like ' || masked
                ELSE 'text of ' || size END
            WHEN 'number' THEN 'a number of ' || size
            WHEN 'array' THEN 'a list' WHEN 'object' THEN 'an object' ELSE 'true or false' END AS form
    FROM ({rows}) AS r,
        jsonb_each(CASE jsonb_typeof(forms) WHEN 'object' THEN forms END) AS f (field, value),
        LATERAL (SELECT value #>> '{{}}' AS text) AS v,
        LATERAL (
            SELECT regexp_replace(text, '[0-9]', '0', 'g') AS masked,
                length(text) || CASE length(text) WHEN 1 THEN ' character' ELSE ' characters' END AS size
        ) AS l
) AS found
GROUP BY tenant, collection, field ORDER BY tenant, collection, field
"""


def other_forms(collections: Iterable[str]) -> str:
    """The query of all tenants and these collections: a row a field, with an example of what it looks like."""
    rows = " UNION ALL ".join(ROWS.format(path=path, table=COLLECTIONS[path].table) for path in collections)
    return FIELDS.format(rows=rows, most=MOST_ROWS)
