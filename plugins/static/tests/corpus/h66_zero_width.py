def trim(text: str) -> str:
    value = text.strip()
    return value​‍​
