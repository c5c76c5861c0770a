"""The latency scenario, and the floor under its wall time.

Every answer is held back by L seconds, the token's too. The pages of one list come one after the other, because each
names the next; lists are independent of each other. With P requests under way at the same time, no client is faster
than

    floor = L * (1 + people + max(longest list, ceil(all pages / P)))

where 1 is the token and `people` the pages of the people, which have to be known before any list is asked for.
"""

from __future__ import annotations

from collections import Counter
from math import ceil

from benchmarks.contenders import AT_ONCE
from benchmarks.rounds import Bench

__all__ = ["measure_latency"]

LATENCY_SECONDS = 0.05


def floor_seconds(lists: Counter[str], latency: float, parallel: int) -> float:
    """The floor, from the number of pages of each list; that without a filter are the people."""
    people = lists[""]
    lists = lists - Counter({"": people})
    pages = max(*lists.values(), ceil(lists.total() / parallel))
    return latency * (1 + people + pages)


def measure_latency(bench: Bench) -> None:
    """A first load with latency, with each number of workers."""
    bench.served.set(latency=LATENCY_SECONDS)
    try:
        for workers, contender in AT_ONCE.items():

            def floor(parallel: int = workers) -> float:
                return floor_seconds(Counter(text for _, text in bench.served.asked()), LATENCY_SECONDS, parallel)

            bench.first_load(contender, None, "latency", floor)
    finally:
        bench.served.set(latency=0)
