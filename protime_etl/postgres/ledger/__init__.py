"""What was done: runs, units, polls, who is known."""
