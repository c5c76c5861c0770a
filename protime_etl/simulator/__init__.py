"""A simulated Protime tenant: made-up people and clockings, served over real HTTP as the API documents it.

The parts: `grammar` and `selection` (filters); `generation`, `records`, `record_index`, `history` and `state` (what
the tenant holds); `delta`, `delta_items`, `delta_tokens` and `clock` (how its changes are reported); `options`,
`answers`, `queries`, `paging`, `tokens` and `app` (what it answers); `server` (how it is run).
"""
