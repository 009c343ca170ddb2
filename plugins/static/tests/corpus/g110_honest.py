import re
def matches(text: str) -> list:
    pattern = re.compile(r"\b\d{3}-\d{4}\b")
    return pattern.findall(text)
