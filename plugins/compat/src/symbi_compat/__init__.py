"""Shapes of answers for clients that expect others."""
