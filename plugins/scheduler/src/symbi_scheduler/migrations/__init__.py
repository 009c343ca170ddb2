"""Alembic revisions of the branch `scheduler`."""
