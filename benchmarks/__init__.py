"""Measures this project, its peers and the limits of the machine: `python -m benchmarks --help`.

The parts: `clockings` and `server` (a simulated tenant whose answers are rendered beforehand); `serving` (that server
as a process of its own); `warehouse` (PostgreSQL and what it counts); `measured` (one command: time, CPU, memory);
`contenders`, `environments`, `limits` and `peers/` (what is compared); `rounds`, `latency`, `memory` and `nightly`
(what is done with them); `results`, `goals` and `report` (what comes of it).
"""
