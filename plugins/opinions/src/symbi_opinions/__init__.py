"""Second opinions of well-known scanners for the tool review; they can only raise the risk."""

__all__ = ["__version__"]

__version__ = "0.1.0"
