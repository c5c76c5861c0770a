"""Decoding by several threads at once, as the first pages of several workers are."""

from __future__ import annotations

import subprocess
import sys

TRIES = 12
"""Without decoders that are made beforehand a third of them crash."""
FIRST_PAGES = """
import sys, threading
from protime_etl.collections.clockings import CLOCKINGS
from protime_etl.protime.delta_pages import decode_changes
from protime_etl.protime.decoding import decode_page

sys.setswitchinterval(1e-6)
RECORD = b'{"id":1,"person":{"id":1},"date":"2026-01-05","timeOfDayInMinutes":480,"kind":"InOut","changeVersion":"A"}'
ITEM = b'{"changeType":"InsertOrUpdate","data":' + RECORD + b"}"
together = threading.Barrier(8)
rows = []

def read(number):
    together.wait()
    if number % 2:
        page = decode_page(CLOCKINGS, b'{"value":[' + RECORD + b']}')
    else:
        page = decode_changes(CLOCKINGS, b'{"value":[' + ITEM + b']}')
    rows.extend(page.rows)

threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(rows))
"""


def test_workers_whose_first_pages_come_at_once_do_not_crash() -> None:
    for _ in range(TRIES):
        done = subprocess.run(
            [sys.executable, "-c", FIRST_PAGES], capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stdout.strip()) == (0, "8"), done.stderr
