import re
RULES = [
    (re.compile(r"ignore (all )?previous instructions", re.I), "override"),
    (re.compile(r"do not tell the user", re.I), "concealment"),
]
def check(text: str) -> list:
    """Flags risky phrases in a prompt."""
    return [name for rule, name in RULES if rule.search(text)]
