"""LanceDB as a vector backend of Symbi."""
