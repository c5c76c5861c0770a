"""What is requested, and into which slices it is divided."""
