"""A result as people and programs read it; the same result gives the same bytes."""
