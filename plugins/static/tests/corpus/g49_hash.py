import hashlib
import secrets


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def token() -> str:
    return secrets.token_urlsafe(32)
