"""The same clockings as a user would bring them with Airflow today: HttpOperator with paging, then insert_rows.

Run in an Airflow environment of its own. The operator and the hook are called as a task would call them, but in one
process: no scheduler, no task start, and the records do not go through XCom. All three would make it slower.
"""

from __future__ import annotations

import json
import os

import psycopg2
import requests
from airflow.providers.http.operators.http import HttpOperator
from airflow.providers.postgres.hooks.postgres import PostgresHook

API_PATH = "/connector/protimeapi/api/v1"
TABLE = "bench.clockings"
# The columns and indexes of this project's table, less its own bookkeeping.
DDL = """
    CREATE SCHEMA IF NOT EXISTS bench;
    CREATE TABLE IF NOT EXISTS bench.clockings (
        id bigint PRIMARY KEY, person_id bigint NOT NULL, date date NOT NULL, time_of_day_in_minutes integer NOT NULL,
        kind text NOT NULL, change_version text NOT NULL, original_time_of_day_in_minutes integer,
        calculated_time_of_day_in_minutes integer, is_generated boolean, terminal_id bigint,
        longitude double precision, latitude double precision, reason_id bigint, is_open boolean,
        activity_levels jsonb, status text);
    CREATE INDEX IF NOT EXISTS clockings_person ON bench.clockings (person_id, date);
    CREATE INDEX IF NOT EXISTS clockings_date ON bench.clockings (date);
"""
FIELDS = [
    "id",
    "person_id",
    "date",
    "time_of_day_in_minutes",
    "kind",
    "change_version",
    "original_time_of_day_in_minutes",
    "calculated_time_of_day_in_minutes",
    "is_generated",
    "terminal_id",
    "longitude",
    "latitude",
    "reason_id",
    "is_open",
    "activity_levels",
    "status",
]


def next_page(response):
    """Where the operator goes on."""
    link = response.json().get("nextLink")
    return None if link is None else {"endpoint": link, "data": {}}


def records(responses):
    """What the task gives on."""
    return [record for response in responses for record in response.json()["value"]]


def row(record):
    """The values of FIELDS."""
    place = record.get("geolocation") or {}
    levels = record.get("activityLevels")
    return (
        record["id"],
        record["person"]["id"],
        record["date"],
        record["timeOfDayInMinutes"],
        record["kind"],
        record["changeVersion"],
        record.get("originalTimeOfDayInMinutes"),
        record.get("calculatedTimeOfDayInMinutes"),
        record.get("isGenerated"),
        (record.get("terminal") or {}).get("id"),
        place.get("longitude"),
        place.get("latitude"),
        (record.get("reason") or {}).get("id"),
        record.get("isOpen"),
        None if levels is None else json.dumps(levels),
        record.get("status"),
    )


def main():
    """Ask for a token, read all pages, insert all rows."""
    url = os.environ["PEER_URL"]
    # As DDL would be run once, by hand.
    with psycopg2.connect(os.environ["PEER_DSN"]) as connection, connection.cursor() as cursor:
        cursor.execute(DDL)
    credentials = {
        "grant_type": "client_credentials",
        "client_id": "simulated-client",
        "client_secret": "simulated-secret",
    }
    token = requests.post(f"{url}/tenants/simulated/connect/token", data=credentials, timeout=60).json()
    pull = HttpOperator(
        task_id="pull",
        http_conn_id="protime",
        method="GET",
        endpoint=f"{API_PATH}/clockings",
        data={"filter": f"date ge '{os.environ['PEER_FROM']}' and date le '{os.environ['PEER_TO']}'"},
        headers={"Authorization": f"Bearer {token['access_token']}", "User-Agent": "airflow/1 (bench)"},
        pagination_function=next_page,
        response_filter=records,
    )
    found = pull.execute({})
    # A chunk goes as one pipeline of psycopg 3, which the hook takes of itself; larger chunks were no faster.
    PostgresHook(postgres_conn_id="warehouse").insert_rows(
        TABLE,
        map(row, found),
        target_fields=FIELDS,
        replace=True,
        replace_index="id",
        commit_every=1000,
        executemany=True,
    )


if __name__ == "__main__":
    main()
