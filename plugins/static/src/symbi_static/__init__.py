"""The static analyzer of tools: reads source and metadata, never runs them (spec: toolreview.md §2)."""

__all__ = ["__version__"]

__version__ = "0.1.0"
