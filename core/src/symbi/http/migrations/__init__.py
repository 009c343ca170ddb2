"""The revisions of the `http` branch."""
