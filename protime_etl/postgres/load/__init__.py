"""How pages become rows: staging, merge, direct copy, comparison."""
