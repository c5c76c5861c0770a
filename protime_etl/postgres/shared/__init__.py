"""What all processes share: locks, the pause, the token."""
