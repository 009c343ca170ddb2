"""Vectors in the record store of Symbi: exact search with numpy, one transaction with the rows."""
