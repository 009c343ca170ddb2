"""Secrets of channels: a reference to the environment, or encrypted at rest; never shown again."""

from __future__ import annotations

import os
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from symbi.contracts.errors import ConfigError, StoreCorrupt
from symbi.contracts.secret import Secret

__all__ = ["SHOWN", "Vault", "open_vault", "redacted", "secret_fields", "with_old_secrets"]

SHOWN = "***"
_SEALED = "$sealed"


class Vault:
    """Encrypts with one Fernet key (AES-128-CBC and HMAC-SHA256)."""

    def __init__(self, key: str) -> None:
        from cryptography.fernet import Fernet

        try:
            self._fernet = Fernet(key.encode())
        except ValueError:
            raise ConfigError(
                "channels.encryption_key: expected a Fernet key (32 bytes, URL-safe base64)",
                path="channels.encryption_key",
                hint="python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'",
            ) from None

    def seal(self, config: Mapping[str, Any], secrets: frozenset[str]) -> dict[str, Any]:
        """Return the configuration as it is stored; references (`{"env": …}`) stay readable."""
        return {
            name: self._seal_value(value) if name in secrets and not _is_reference(value) else value
            for name, value in config.items()
        }

    def unseal(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return the configuration in the clear; raises `StoreCorrupt` where the key is not the one it was sealed with."""
        return {
            name: self._unseal_value(name, value[_SEALED]) if _is_sealed(value) else value
            for name, value in stored.items()
        }

    def _seal_value(self, value: Any) -> dict[str, str]:
        return {_SEALED: self._fernet.encrypt(msgspec.json.encode(value)).decode()}

    def _unseal_value(self, name: str, token: str) -> Any:
        from cryptography.fernet import InvalidToken

        try:
            return msgspec.json.decode(self._fernet.decrypt(token.encode()))
        except InvalidToken:
            raise StoreCorrupt(
                f"the secret {name!r} of a channel cannot be decrypted with the key of this runtime",
                hint="restore channels/secret.key or [channels] encryption_key, or update the channel's configuration",
            ) from None


def open_vault(folder: Path, key: Secret | None) -> Vault:
    """Return the vault over the given key, or over `secret.key` (0600) in `folder`, which is made on first use."""
    if key is not None:
        return Vault(key.reveal())
    file = folder / "secret.key"
    if not file.exists():
        from cryptography.fernet import Fernet

        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = file.with_name(f".secret.key.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(Fernet.generate_key())
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(fresh, file)
        except FileExistsError:
            pass  # another runtime was first: its key counts
        finally:
            fresh.unlink(missing_ok=True)
    if file.stat().st_mode & 0o077:
        raise ConfigError(f"{file} can be read by others", path="channels.encryption_key", hint=f"chmod 600 {file}")
    return Vault(file.read_text(encoding="ascii").strip())


def secret_fields(kind: type[msgspec.Struct]) -> frozenset[str]:
    """Return the names of the fields that hold a `Secret` anywhere in their type."""
    hints = typing.get_type_hints(kind)
    return frozenset(name for name in kind.__struct_encode_fields__ if _mentions_secret(hints.get(name)))


def redacted(stored: Mapping[str, Any], secrets: frozenset[str]) -> dict[str, Any]:
    """Return a stored configuration as anybody may see it: sealed values are `***`, references stay."""
    return {
        name: SHOWN if _is_sealed(value) or (name in secrets and not _is_reference(value)) else value
        for name, value in stored.items()
    }


def with_old_secrets(given: Mapping[str, Any], old: Mapping[str, Any], secrets: frozenset[str]) -> dict[str, Any]:
    """Return `given` with the secrets of `old` where they were left out or came back as they were shown."""
    kept = {name: old[name] for name in secrets if name in old and given.get(name, SHOWN) == SHOWN}
    return {**given, **kept}


def _mentions_secret(hint: Any) -> bool:
    return hint is Secret or any(_mentions_secret(each) for each in typing.get_args(hint))


def _is_reference(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and set(value) == {"env"})


def _is_sealed(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {_SEALED}
