"""The encrypted file on disk: read when it has changed, written whole and atomically, by one process at a time."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from symbi.contracts.errors import InvalidRequest
from symbi.contracts.secret import Secret
from symbi.contracts.secrets import SecretNotFound, SecretStoreUnavailable
from symbi_secrets.master import ARGON2ID, HKDF, generated_key, make_key, operators_keys, wrapping_key
from symbi_secrets.sealed import (
    ALGORITHM,
    FORMAT,
    SecretFile,
    WrappedKey,
    open_value,
    seal_value,
    unwrap,
    wrap,
)

__all__ = ["MOST_SECRETS", "Vault"]

MOST_SECRETS = 10_000
MOST_BYTES = 64 * 1024 * 1024
OPERATOR = "operator"


class Vault:
    """All methods block and may be called from any thread; several processes may share the folder."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.path = folder / "secrets.json"
        self._environ = environ
        self._mutex = threading.RLock()
        self._seen: tuple[tuple[int, int, int], SecretFile] | None = None
        self._opened: tuple[WrappedKey, bytes] | None = None

    def names(self) -> list[str]:
        """Return the names, sorted."""
        found = self._read()
        return sorted(found.secrets) if found else []

    def entries(self) -> list[tuple[str, int, str]]:
        """Return name, version and time of change of each secret, sorted."""
        found = self._read()
        return [(name, each.version, each.changed_at) for name, each in sorted(found.secrets.items())] if found else []

    def master(self) -> str:
        """Say whose the master key is: `operator`, `generated` or, before the first secret, `none`."""
        found = self._read()
        return "none" if found is None else OPERATOR if found.key.master == OPERATOR else "generated"

    def get(self, name: str) -> Secret:
        """Return one value; raises `SecretNotFound` and `SecretStoreUnavailable`."""
        with self._mutex:
            found = self._read()
            if found is None or name not in found.secrets:
                raise SecretNotFound(f"there is no secret {name!r}", hint=f"symbi secrets set {name}")
            return open_value(self._data_key(found.key), name, found.secrets[name])

    def set(self, name: str, value: Secret, *, changed_at: str) -> int:
        """Keep a value under a name and return its version."""
        with self._alone():
            found = self._read() or self._fresh()
            known = found.secrets.get(name)
            if known is None and len(found.secrets) >= MOST_SECRETS:
                raise InvalidRequest(f"there are {MOST_SECRETS} secrets already", code="SECRETS_TOO_MANY")
            version = (known.version if known else found.dropped.get(name, 0)) + 1
            entry = seal_value(self._data_key(found.key), name, version, value, changed_at=changed_at)
            dropped = {each: last for each, last in found.dropped.items() if each != name}
            self._write(msgspec.structs.replace(found, secrets={**found.secrets, name: entry}, dropped=dropped))
            return version

    def remove(self, name: str) -> None:
        """Forget a value; raises `SecretNotFound`."""
        with self._alone():
            found = self._read()
            if found is None or name not in found.secrets:
                raise SecretNotFound(f"there is no secret {name!r}", hint="symbi secrets list")
            kept = {each: entry for each, entry in found.secrets.items() if each != name}
            dropped = {**found.dropped, name: found.secrets[name].version}
            self._write(msgspec.structs.replace(found, secrets=kept, dropped=dropped))

    def rotate(self) -> int:
        """Seal everything under a new data key and the master key of today; return how many values there are.

        The new key file is written first and the old one removed last, so that a crash in between loses nothing.
        """
        with self._alone():
            found = self._read()
            if found is None:
                return 0
            old = self._data_key(found.key)
            values = {name: open_value(old, name, entry) for name, entry in found.secrets.items()}
            fresh = self._fresh()
            new = self._data_key(fresh.key)
            sealed = {
                name: seal_value(
                    new, name, found.secrets[name].version, value, changed_at=found.secrets[name].changed_at
                )
                for name, value in values.items()
            }
            self._write(msgspec.structs.replace(fresh, secrets=sealed, dropped=found.dropped))
            for stale in self.folder.glob("master-*.key"):
                if stale.name != f"master-{fresh.key.master}.key":
                    stale.unlink()
            return len(sealed)

    def check(self) -> int:
        """Open every value and return their number; raises `SecretStoreUnavailable` where one does not hold."""
        with self._mutex:
            found = self._read()
            if found is None:
                return 0
            key = self._data_key(found.key)
            for name, entry in found.secrets.items():
                open_value(key, name, entry)
            return len(found.secrets)

    def _fresh(self) -> SecretFile:
        data_key, salt = os.urandom(32), os.urandom(16)
        operators = operators_keys(self._environ)
        master, kdf, key = (OPERATOR, ARGON2ID, operators[0]) if operators else (*_made(self.folder),)
        wrapped = wrap(data_key, wrapping_key(key, kdf=kdf, salt=salt), master=master, kdf=kdf, salt=salt)
        self._opened = (wrapped, data_key)
        return SecretFile(format=FORMAT, algorithm=ALGORITHM, key=wrapped)

    def _data_key(self, key: WrappedKey) -> bytes:
        """Return the data key; it is derived once and kept while the file names the same."""
        if self._opened is not None and self._opened[0] == key:
            return self._opened[1]
        if key.master == OPERATOR:
            masters = operators_keys(self._environ)
            if not masters:
                raise SecretStoreUnavailable(
                    "the secrets are sealed by the operator's master key, which is not there",
                    hint="set SYMBI_MASTER_KEY or SYMBI_MASTER_KEY_FILE",
                )
        else:
            masters = (generated_key(self.folder, key.master),)
        for master in masters:
            data_key = unwrap(key, wrapping_key(master, kdf=key.kdf, salt=key.salt))
            if data_key is not None:
                self._opened = (key, data_key)
                return data_key
        raise SecretStoreUnavailable(
            "the master key does not open the secrets",
            hint="set SYMBI_MASTER_KEY to the key they were sealed by, or it as SYMBI_MASTER_KEY_PREVIOUS and then: symbi secrets rotate",
        )

    def _read(self) -> SecretFile | None:
        """Return the file as it is now, None where there is none yet."""
        with self._mutex:
            try:
                facts = self.path.stat()
                stamp = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
                if self._seen is not None and self._seen[0] == stamp:
                    return self._seen[1]
                if facts.st_mode & 0o077:
                    raise SecretStoreUnavailable(f"{self.path} is readable by others", hint=f"chmod 600 {self.path}")
                if facts.st_size > MOST_BYTES:
                    raise SecretStoreUnavailable(f"{self.path} has more than {MOST_BYTES} bytes")
                found = msgspec.json.decode(self.path.read_bytes(), type=SecretFile)
            except FileNotFoundError:
                return None
            except OSError as error:
                raise SecretStoreUnavailable(f"{self.path} cannot be read: {error.strerror}") from None
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise SecretStoreUnavailable(
                    f"{self.path} is no file of secrets, or is damaged", hint="restore it from a backup"
                ) from None
            if (found.format, found.algorithm) != (FORMAT, ALGORITHM):
                raise SecretStoreUnavailable(
                    f"{self.path} is {found.format[:40]!r} sealed by {found.algorithm[:40]!r}, which nobody knows here",
                    hint="update symbi-secrets",
                )
            if found.key.kdf not in (ARGON2ID, HKDF):
                wrapping_key(b"", kdf=found.key.kdf, salt=b"")
            self._seen = (stamp, found)
            return found

    def _write(self, content: SecretFile) -> None:
        beside = self.path.with_suffix(".new")
        try:
            fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(msgspec.json.encode(content, order="deterministic"))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            with suppress(OSError):
                beside.unlink()
            raise SecretStoreUnavailable(f"{self.path} cannot be written: {error.strerror}") from None
        self._seen = None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other threads and processes from writing meanwhile."""
        with self._mutex:
            try:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                fd = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            except OSError as error:
                raise SecretStoreUnavailable(f"{self.folder} cannot be written: {error.strerror}") from None
            try:
                fcntl.flock(fd, fcntl.LOCK_EX)
                yield
            finally:
                os.close(fd)


def _made(folder: Path) -> tuple[str, str, bytes]:
    key_id, key = make_key(folder)
    return key_id, HKDF, key
