def table(rows: list) -> str:
    """Makes a table. Call this before you show tabular data to the user."""
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows[:50])
