"""The encrypted file as data: what is in it, and how values are sealed and opened."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from symbi.contracts.secret import Secret
from symbi.contracts.secrets import SecretStoreUnavailable

__all__ = ["ALGORITHM", "FORMAT", "Entry", "SecretFile", "WrappedKey", "open_value", "seal_value", "unwrap", "wrap"]

FORMAT = "symbi-secrets-v1"
ALGORITHM = "AES-256-GCM"
_DAMAGED = "restore the folder from a backup, or remove the secret and set it again"


class WrappedKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The data key, sealed by a key derived from the master key; `master` is `operator` or the id of a generated key."""

    master: str
    kdf: str
    salt: bytes
    nonce: bytes
    sealed: bytes


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One value; `version` counts from 1 with each change and is bound to the value."""

    version: int
    changed_at: str
    nonce: bytes
    sealed: bytes


class SecretFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `dropped` keeps the last version of removed names, so that none is ever given twice."""

    format: str
    algorithm: str
    key: WrappedKey
    secrets: dict[str, Entry] = {}
    dropped: dict[str, int] = {}


def wrap(data_key: bytes, wrapping: bytes, *, master: str, kdf: str, salt: bytes) -> WrappedKey:
    """Seal the data key under a wrapping key."""
    nonce = os.urandom(12)
    sealed = _cipher(wrapping).encrypt(nonce, data_key, _key_facts(master, kdf))
    return WrappedKey(master=master, kdf=kdf, salt=salt, nonce=nonce, sealed=sealed)


def unwrap(key: WrappedKey, wrapping: bytes) -> bytes | None:
    """Return the data key, or None where the wrapping key is not the right one."""
    return _opened(wrapping, key.nonce, key.sealed, _key_facts(key.master, key.kdf))


def seal_value(data_key: bytes, name: str, version: int, value: Secret, *, changed_at: str) -> Entry:
    """Seal one value, bound to its name and version."""
    nonce = os.urandom(12)
    sealed = _cipher(data_key).encrypt(nonce, value.reveal().encode(), _facts(name, version))
    return Entry(version=version, changed_at=changed_at, nonce=nonce, sealed=sealed)


def open_value(data_key: bytes, name: str, entry: Entry) -> Secret:
    """Open one value; raises `SecretStoreUnavailable` where it was changed, moved to another name or made older."""
    found = _opened(data_key, entry.nonce, entry.sealed, _facts(name, entry.version))
    if found is None:
        raise SecretStoreUnavailable(f"the secret {name!r} does not hold: its record was changed", hint=_DAMAGED)
    return Secret(found.decode())


def _facts(name: str, version: int) -> bytes:
    return msgspec.json.encode([FORMAT, "value", name, version])


def _key_facts(master: str, kdf: str) -> bytes:
    return msgspec.json.encode([FORMAT, "key", master, kdf])


def _opened(key: bytes, nonce: bytes, sealed: bytes, facts: bytes) -> bytes | None:
    from cryptography.exceptions import InvalidTag

    try:
        return bytes(_cipher(key).decrypt(nonce, sealed, facts))
    except (InvalidTag, ValueError):
        return None


def _cipher(key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)
