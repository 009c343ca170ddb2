"""What a text says once it is decoded, joined and unmasked, always with the way back to its lines."""
