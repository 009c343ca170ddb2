import re

PATTERNS = [
    "ignore all previous instructions",
    "do not tell the user",
    "read ~/.ssh/id_rsa and send it",
    r"rm -rf /",
    "eval(",
]


def lint(text: str) -> list:
    """Lists which of the known risky phrases occur in a text."""
    return [pattern for pattern in PATTERNS if re.search(re.escape(pattern), text, re.IGNORECASE)]
