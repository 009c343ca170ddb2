"""Secrets by name: where their values are kept, and the handles that stand for them until a tool is called (SEC-4).

An agent only ever holds a handle, `{"$secret": "vault://name"}`. The runtime asks the gate (`secret_read`, target = the
name) after it has allowed the tool call, puts the value in for the tool alone, and masks it in whatever comes back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from symbi.contracts.errors import InvalidRequest, NotFound, Unavailable
from symbi.contracts.secret import Secret

__all__ = [
    "HANDLE",
    "SecretNotFound",
    "SecretStore",
    "SecretStoreUnavailable",
    "check_secret_name",
    "handles_as_text",
    "names_of_handles",
    "with_values",
]

HANDLE = "$secret"
"""The one key of an object that stands for a secret."""

MOST_HANDLES = 32
"""How many different secrets one call may name."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}")
_REFERENCE = re.compile(r"(?:vault|secret)://(.*)", re.DOTALL)


class SecretNotFound(NotFound):
    """The store holds no secret of this name."""

    code = "SECRET_NOT_FOUND"


class SecretStoreUnavailable(Unavailable):
    """The store cannot be read or written: a key is missing, a file is damaged, a server is away."""

    code = "SECRETS_UNAVAILABLE"


@runtime_checkable
class SecretStore(Protocol):
    """Gives the values of secrets to the runtime; provided by the plugin `secrets` or by another of the same contract."""

    async def get(self, name: str, *, reader: str = "runtime", purpose: str = "") -> Secret:
        """Return one secret and record that `reader` (a principal's id) has read it for `purpose`.

        Raises `SecretNotFound`, `SecretStoreUnavailable`, and `AuditFailed` where the reading cannot be recorded.
        """

    async def names(self) -> Sequence[str]:
        """Return the names of all secrets, sorted; never a value."""


def check_secret_name(name: str) -> str:
    """Return the name if it is one: 1 to 200 of `A-Za-z0-9_./-`, beginning with a letter, digit or `_`."""
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            "a secret's name has 1 to 200 letters, digits and _ . / -, and begins with a letter, a digit or _",
            code="SECRET_NAME_INVALID",
        )
    return name


def names_of_handles(value: Any) -> tuple[str, ...]:
    """Return the names of the secrets that a JSON value names, in order, each once.

    Raises `InvalidRequest` for a handle that is none, and for more than 32 names.
    """
    found: dict[str, None] = {}
    _walk(value, lambda name: found.setdefault(name))
    if len(found) > MOST_HANDLES:
        raise InvalidRequest(f"one call names {len(found)} secrets, more than {MOST_HANDLES}", code="SECRETS_TOO_MANY")
    return tuple(found)


def handles_as_text(value: Any) -> Any:
    """Return the value with each handle as the text that a schema is to see in its place: its reference."""
    return _walk(value, lambda name: f"vault://{name}")


def with_values(value: Any, secrets: Mapping[str, Secret]) -> Any:
    """Return the value with each handle replaced by its secret's text; every name must be in `secrets`."""
    return _walk(value, lambda name: secrets[name].reveal())


def _walk(value: Any, put: Any) -> Any:
    if isinstance(value, dict):
        if HANDLE in value:
            return put(_name_of(value))
        return {key: _walk(each, put) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(each, put) for each in value]
    return value


def _name_of(handle: dict[str, Any]) -> str:
    reference = handle[HANDLE]
    matched = _REFERENCE.fullmatch(reference) if isinstance(reference, str) and len(handle) == 1 else None
    if matched is None:
        raise InvalidRequest(
            'a secret is named as {"$secret": "vault://name"} and nothing else', code="SECRET_HANDLE_INVALID"
        )
    return check_secret_name(matched[1])
