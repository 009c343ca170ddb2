"""The gate: policies loaded from a directory, decisions, obligations, receipts and their audit."""
