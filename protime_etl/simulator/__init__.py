"""A simulated Protime tenant: made-up people and clockings, served over real HTTP as the API documents it.

The parts: `grammar` and `selection` (filters); `generation`, `records` and `state` (what the tenant holds);
`options`, `answers`, `paging`, `tokens` and `app` (what it answers); `server` (how it is run).
"""
