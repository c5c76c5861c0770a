"""Made-up records, one file a collection, the same ones for the same seed."""
