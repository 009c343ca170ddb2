"""The RSA signer: local certificate authority, keys, packages, verification (spec: toolreview.md §1.8 to §1.10)."""

__all__ = ["__version__"]

__version__ = "0.1.0"
