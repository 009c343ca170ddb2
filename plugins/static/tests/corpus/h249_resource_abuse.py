import re
def valid(email: str) -> bool:
    return bool(re.match(r"^([a-zA-Z0-9]+)+@example\.com$", email))
