"""The static bearer token: where it comes from and what is too weak to be one."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from symbi.contracts.errors import ConfigError
from symbi.contracts.secret import Secret
from symbi.http.settings import AuthSettings

__all__ = ["ALIAS", "PRIMARY", "StaticToken", "static_token", "weakness_of"]

PRIMARY = "API_AUTH_TOKEN"
ALIAS = "SYMBIONT_API_TOKEN"
REMEDY = "symbi init makes a good one; or: export API_AUTH_TOKEN=$(openssl rand -hex 32)"
_KNOWN = frozenset(
    [
        "dev",
        "test",
        "password",
        "secret",
        "token",
        "api_key",
        "12345678",
        "admin",
        "root",
        "default",
        "changeme",
        "letmein",
        "qwerty",
        "abc123",
        "password123",
        "testtoken123",
    ]
)


class StaticToken:
    """One token, kept as a digest; comparing takes the same time whatever is presented."""

    def __init__(self, token: str) -> None:
        self._digest = hashlib.sha256(token.encode()).digest()

    def matches(self, presented: bytes) -> bool:
        """Tell whether the presented bytes are the token."""
        return hmac.compare_digest(self._digest, hashlib.sha256(presented).digest())


def static_token(settings: AuthSettings, environ: Mapping[str, str]) -> StaticToken | None:
    """Return the configured token, or None where there is none.

    `API_AUTH_TOKEN`, else its alias, else `[auth] token`. Raises `ConfigError` where the two variables differ or any one of them is weak,
    since an empty or guessable token must never authenticate (A-08, F-03).
    """
    found = {name: environ[name].strip() for name in (PRIMARY, ALIAS) if name in environ}
    if len(set(found.values())) > 1:
        raise ConfigError(f"{PRIMARY} and {ALIAS} are both set and differ", path="auth.token", hint=f"unset {ALIAS}")
    for name, value in found.items():
        _refuse_weak(value, name)
    if settings.token is not None and not found:
        found["auth.token"] = settings.token.reveal().strip()
        _refuse_weak(found["auth.token"], "auth.token")
    return StaticToken(next(iter(found.values()))) if found else None


def weakness_of(token: str) -> str | None:
    """Return what is wrong with a token, or None (runtime-api.md §3.1)."""
    lowered = token.strip().lower()
    if not lowered:
        return "is empty"
    if len(lowered) < 8:
        return "is shorter than 8 characters"
    if any(character.isspace() or not character.isprintable() for character in lowered) or not lowered.isascii():
        return "holds a blank or a character that no header can carry"
    if lowered in _KNOWN or len(set(lowered)) < 3:
        return "is a well-known or trivial value"
    if lowered.startswith("test") and len(lowered) < 20:
        return "looks like a test value"
    return None


def _refuse_weak(token: str, source: str) -> None:
    weakness = weakness_of(token)
    if weakness:
        raise ConfigError(f"the token in {source} {weakness}", path="auth.token", hint=REMEDY)


def reveal(settings: AuthSettings, environ: Mapping[str, str]) -> Secret | None:
    """Return the token itself, for a client of this machine's own server."""
    value = environ.get(PRIMARY) or environ.get(ALIAS) or (settings.token.reveal() if settings.token else "")
    return Secret(value.strip()) if value.strip() else None
