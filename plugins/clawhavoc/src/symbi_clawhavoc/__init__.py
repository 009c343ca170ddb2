"""The forty ClawHavoc rules of the skill scanner, each in a file of its own name."""
