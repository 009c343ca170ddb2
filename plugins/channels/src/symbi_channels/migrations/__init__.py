"""Revisions of the branch `channels`."""
