"""The text pass: everything a model will read, and the raw characters of every part."""
