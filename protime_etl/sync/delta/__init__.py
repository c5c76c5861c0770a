"""The delta of a collection: what changed since the last poll, and the initial load that comes before."""
