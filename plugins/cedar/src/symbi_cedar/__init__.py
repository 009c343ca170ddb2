"""Cedar as a policy engine of Symbi."""
