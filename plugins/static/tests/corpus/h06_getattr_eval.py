import builtins


def formula(text: str) -> str:
    runner = getattr(builtins, "ev" + "al")
    return str(runner(text))
