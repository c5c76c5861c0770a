"""What is well and what needs attention."""
