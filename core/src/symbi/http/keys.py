"""The key file: API keys with scopes, kept as Argon2id hashes in `<data-dir>/keys.json` (0600)."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from symbi.contracts.errors import ConfigError
from symbi.contracts.principal import Principal

__all__ = ["KEYS_FILE", "KeyRecord", "edit_keys", "keys_path", "load_keys", "principal_of_key"]

KEYS_FILE = "keys.json"
KEY_ID = re.compile(r"[A-Za-z0-9_\-]{1,64}")
MOST_BYTES = 4 * 1024 * 1024


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One key; times are RFC 3339 UTC.

    `agent_scope` limits it to those agent ids, `scopes` to those rights; a key with neither is an administrator's.
    """

    key_id: str
    key_hash: str
    agent_scope: list[str] | None = None
    scopes: list[str] | None = None
    description: str = ""
    created_at: str
    expires_at: str | None = None
    revoked: bool = False


def keys_path(data_dir: Path) -> Path:
    """Return where the key file is."""
    return data_dir / KEYS_FILE


def principal_of_key(record: KeyRecord) -> Principal:
    """Return who holds a key."""
    admin = record.agent_scope is None and record.scopes is None
    return Principal(
        id=f"key:{record.key_id}",
        kind="key",
        admin=admin,
        scopes=frozenset(record.scopes or ()),
        agents=None if record.agent_scope is None else frozenset(record.agent_scope),
        display_name=record.description or record.key_id,
    )


def load_keys(path: Path) -> dict[str, KeyRecord]:
    """Read a key file; raises `ConfigError` where it is readable by others, damaged or without a record (F-02, A-12, A-23)."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise _refuse(path, f"may be read by others (mode {mode:04o})", f"chmod 600 {path}")
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise _refuse(path, f"cannot be read: {error.strerror}", "check who owns it") from None
    if len(data) > MOST_BYTES:
        raise _refuse(path, f"is larger than {MOST_BYTES} bytes", "revoke and remove old keys")
    try:
        records = msgspec.json.decode(data, type=list[KeyRecord])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _refuse(
            path, f"is damaged: {error}", "restore it, or remove it and make new keys with symbi keys create"
        ) from None
    if not records:
        raise _refuse(path, "holds no key", "symbi keys create makes one; or remove the file to use the token")
    return _by_id(path, records)


@contextmanager
def edit_keys(path: Path) -> Iterator[dict[str, KeyRecord]]:
    """Give the records to change and write them back at once and whole, under a lock; nothing is written when the block raises."""
    import fcntl

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        records = load_keys(path) if path.exists() else {}
        yield records
        _write(path, list(records.values()))
    finally:
        os.close(lock)


def _by_id(path: Path, records: Sequence[KeyRecord]) -> dict[str, KeyRecord]:
    found: dict[str, KeyRecord] = {}
    for record in records:
        if not KEY_ID.fullmatch(record.key_id) or not record.key_hash.startswith("$argon2id$"):
            raise _refuse(
                path,
                f"has a bad record {record.key_id[:64]!r}",
                "restore it, or make the key anew with symbi keys create",
            )
        if record.key_id in found:
            raise _refuse(path, f"holds the key {record.key_id} twice", "remove one of the two")
        found[record.key_id] = record
    return found


def _write(path: Path, records: list[KeyRecord]) -> None:
    temporary = path.with_suffix(".new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(msgspec.json.format(msgspec.json.encode(records), indent=2) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _refuse(path: Path, fault: str, remedy: str) -> ConfigError:
    return ConfigError(f"the key file {path} {fault}", path="auth.keys", hint=remedy)
