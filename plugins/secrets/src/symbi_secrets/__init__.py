"""The secret store of Symbi."""
