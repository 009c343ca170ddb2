"""The review of tools: sessions, analysis, people, signing, statistics (spec: toolreview.md, seed: Tool Review API)."""

__all__ = ["__version__"]

__version__ = "0.1.0"
