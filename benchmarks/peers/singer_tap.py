"""A small Singer tap of clockings, written to be quick: messages by orjson, fields flattened as the target wants them.

Run in the target's own environment, its output piped into target-postgres.
"""

from __future__ import annotations

import os
import sys
from urllib.parse import urljoin

import orjson
import requests

API_PATH = "/connector/protimeapi/api/v1"
INTEGERS = (
    "id",
    "person_id",
    "time_of_day_in_minutes",
    "original_time_of_day_in_minutes",
    "calculated_time_of_day_in_minutes",
    "terminal_id",
    "reason_id",
)
SCHEMA = {
    **{name: {"type": ["integer", "null"]} for name in INTEGERS},
    **{name: {"type": ["number", "null"]} for name in ("longitude", "latitude")},
    **{name: {"type": ["string", "null"]} for name in ("kind", "change_version", "status")},
    **{name: {"type": ["boolean", "null"]} for name in ("is_generated", "is_open")},
    "date": {"type": ["string", "null"], "format": "date"},
    "activity_levels": {"type": ["array", "null"], "items": {"type": "object"}},
}


def flat(record):
    """The record with one level of fields."""
    place = record.get("geolocation") or {}
    return {
        "id": record["id"],
        "person_id": record["person"]["id"],
        "date": record["date"],
        "time_of_day_in_minutes": record["timeOfDayInMinutes"],
        "kind": record["kind"],
        "change_version": record["changeVersion"],
        "original_time_of_day_in_minutes": record.get("originalTimeOfDayInMinutes"),
        "calculated_time_of_day_in_minutes": record.get("calculatedTimeOfDayInMinutes"),
        "is_generated": record.get("isGenerated"),
        "terminal_id": (record.get("terminal") or {}).get("id"),
        "longitude": place.get("longitude"),
        "latitude": place.get("latitude"),
        "reason_id": (record.get("reason") or {}).get("id"),
        "is_open": record.get("isOpen"),
        "activity_levels": record.get("activityLevels"),
        "status": record.get("status"),
    }


def main():
    """Write the schema, a message for each record of the window, and a state."""
    url = os.environ["PEER_URL"]
    session = requests.Session()
    session.trust_env = False
    credentials = {
        "grant_type": "client_credentials",
        "client_id": "simulated-client",
        "client_secret": "simulated-secret",
    }
    token = session.post(f"{url}/tenants/simulated/connect/token", data=credentials, timeout=60).json()
    session.headers.update({"Authorization": f"Bearer {token['access_token']}", "User-Agent": "tap/1 (bench)"})
    write = sys.stdout.buffer.write
    schema = {"type": "SCHEMA", "stream": "clockings", "key_properties": ["id"]}
    write(orjson.dumps({**schema, "schema": {"type": "object", "properties": SCHEMA}}) + b"\n")
    window = f"date ge '{os.environ['PEER_FROM']}' and date le '{os.environ['PEER_TO']}'"
    answer = session.get(f"{url}{API_PATH}/clockings", params={"filter": window}, timeout=60)
    while True:
        answer.raise_for_status()
        page = orjson.loads(answer.content)
        for record in page["value"]:
            write(orjson.dumps({"type": "RECORD", "stream": "clockings", "record": flat(record)}) + b"\n")
        if not page.get("nextLink"):
            break
        answer = session.get(urljoin(url, page["nextLink"]), timeout=60)
    write(orjson.dumps({"type": "STATE", "value": {"to": os.environ["PEER_TO"]}}) + b"\n")


if __name__ == "__main__":
    main()
