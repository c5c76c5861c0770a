"""Pages of a list: bounded, ahead, kept over a pause, and looked for again."""
