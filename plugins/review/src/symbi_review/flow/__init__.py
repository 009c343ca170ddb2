"""What happens to a session: states, transitions, workers, the human queue."""
