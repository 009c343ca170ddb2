"""Revisions of the branch `approvals`."""
