"""The operators, one file a kind of task."""
