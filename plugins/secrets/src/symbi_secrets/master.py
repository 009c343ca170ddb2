"""The master key: an operator's, from `SYMBI_MASTER_KEY` or a file it names, or one that the store makes for itself."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from symbi.contracts.secrets import SecretStoreUnavailable

__all__ = ["ARGON2ID", "HKDF", "generated_key", "key_path", "make_key", "operators_keys", "wrapping_key"]

ARGON2ID = "argon2id-v19-m65536-t3-p1"
"""For an operator's key, which may be a phrase: 64 MiB, 3 passes, about 0.3 s once a start (SEC-1)."""
HKDF = "hkdf-sha256"
"""For a generated key of 32 random bytes."""

_LEAST = 16
_CONTEXT = b"symbi-secrets-v1 wrapping key"


def operators_keys(environ: Mapping[str, str]) -> tuple[bytes, ...]:
    """Return the operator's master key, and after it the one before (`SYMBI_MASTER_KEY_PREVIOUS`) while it is being changed.

    Raises `SecretStoreUnavailable` for a file that cannot be read or is open to others, and for a key that is too short.
    """
    found = []
    for name in ("SYMBI_MASTER_KEY", "SYMBI_MASTER_KEY_PREVIOUS"):
        key, path = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "").strip()
        if path and not key:
            key = _private(Path(path)).decode("utf-8", "strict").strip()
        if not key:
            continue
        if len(key) < _LEAST:
            raise SecretStoreUnavailable(f"{name} is shorter than {_LEAST} characters", hint="openssl rand -base64 32")
        found.append(key.encode())
    return tuple(found)


def key_path(folder: Path, key_id: str) -> Path:
    """Return where a generated key lies; refuses an id that is no id."""
    if len(key_id) != 16 or not set(key_id) <= set("0123456789abcdef"):
        raise SecretStoreUnavailable(
            "the secret file names a key by an id that is none", hint="restore it from a backup"
        )
    return folder / f"master-{key_id}.key"


def generated_key(folder: Path, key_id: str) -> bytes:
    """Read a key that the store has made; raises `SecretStoreUnavailable`."""
    key = _private(key_path(folder, key_id))
    if hashlib.sha256(key).hexdigest()[:16] != key_id:
        raise SecretStoreUnavailable(f"{key_path(folder, key_id)} is damaged", hint="restore it from a backup")
    return key


def make_key(folder: Path) -> tuple[str, bytes]:
    """Write a new key of 32 random bytes, mode 0600, and return its id and itself."""
    key = secrets.token_bytes(32)
    key_id = hashlib.sha256(key).hexdigest()[:16]
    fd = os.open(key_path(folder, key_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key_id, key


def wrapping_key(master: bytes, *, kdf: str, salt: bytes) -> bytes:
    """Derive the key that wraps data keys; raises `SecretStoreUnavailable` for a label that is not known (SEC-2)."""
    if kdf == ARGON2ID:
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

        return Argon2id(salt=salt, length=32, iterations=3, lanes=1, memory_cost=65536).derive(master)
    if kdf == HKDF:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF as Derivation

        return Derivation(algorithm=SHA256(), length=32, salt=salt, info=_CONTEXT).derive(master)
    raise SecretStoreUnavailable(f"the secret file names the key derivation {kdf[:40]!r}, which nobody knows here")


def _private(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise SecretStoreUnavailable(
                f"{path} is readable by others", hint=f"chmod 600 {path}, and consider it known"
            )
        return path.read_bytes()
    except OSError as error:
        raise SecretStoreUnavailable(
            f"the master key {path} cannot be read: {error.strerror}",
            hint="restore it, without it no value can be read",
        ) from None
