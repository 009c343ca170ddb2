"""The rules of the source pass: one file per family of sinks."""
