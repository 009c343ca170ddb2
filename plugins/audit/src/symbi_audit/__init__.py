"""The audit log: append-only, hash-chained, signed, checked offline."""
