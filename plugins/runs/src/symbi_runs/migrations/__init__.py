"""The revisions of the `runs` branch."""
