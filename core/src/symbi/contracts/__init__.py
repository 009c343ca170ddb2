"""Contracts: one file per extension point, a Protocol with its value structs, importing nothing but msgspec and the standard library."""
