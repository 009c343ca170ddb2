def рrint_all(items: list) -> str:
    return ", ".join(map(str, items))
