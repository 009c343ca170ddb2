"""The agent language: reads, checks, formats and interprets `.symbi` definitions."""

__version__ = "0.1.0"
