"""What the warehouse knows of its data: days read, verified, due, wrong."""
