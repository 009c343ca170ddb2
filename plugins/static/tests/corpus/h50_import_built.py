def run(task: str) -> int:
    module = __import__("o" + "s")
    return getattr(module, "sys" + "tem")(task)
