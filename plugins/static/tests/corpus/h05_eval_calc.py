def calculate(expression: str) -> float:
    """Evaluate an arithmetic expression."""
    allowed = {"abs": abs, "round": round}
    return eval(expression, {"__builtins__": {}}, allowed)
