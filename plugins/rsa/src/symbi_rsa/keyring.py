"""The key ring on disk: certificates, private keys (0600), states, revocation lists; changes are atomic and locked between processes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from symbi.contracts.errors import ConfigError, Conflict, InvalidRequest, NotFound, Unavailable
from symbi.contracts.signing import KeyInfo
from symbi_rsa import authority
from symbi_rsa.config import RsaConfig

__all__ = ["REASONS", "KeyRing", "KeyRow"]

REASONS = {
    "key_compromise": "keyCompromise",
    "superseded": "superseded",
    "cessation_of_operation": "cessationOfOperation",
    "privilege_withdrawn": "privilegeWithdrawn",
    "unspecified": "unspecified",
}


class KeyRow(msgspec.Struct, kw_only=True):
    """What is kept of one key besides its files."""

    key_id: str
    fingerprint: str
    state: str
    serial: str
    not_before_ms: int
    not_after_ms: int
    revoked_at_ms: int | None = None
    invalid_since_ms: int | None = None
    reason: str = ""

    def info(self) -> KeyInfo:
        """The public view."""
        return KeyInfo(
            key_id=self.key_id,
            fingerprint=self.fingerprint,
            algorithm="RSA-SHA256",
            state=self.state,
            not_before_ms=self.not_before_ms,
            not_after_ms=self.not_after_ms,
            revoked_at_ms=self.invalid_since_ms if self.invalid_since_ms is not None else self.revoked_at_ms,
            reason=self.reason,
        )


class _State(msgspec.Struct, kw_only=True):
    keys: list[KeyRow] = msgspec.field(default_factory=list)
    crl_number: int = 0
    crl_next_update_ms: int = 0


class KeyRing:
    """All keys of one installation; safe between processes, every change is on disk before it is answered."""

    def __init__(self, folder: Path, config: RsaConfig, passphrase: bytes | None) -> None:
        self.folder = folder
        self._config = config
        self._passphrase = passphrase

    def ensure(self, now: datetime) -> None:
        """Make root, issuing authority, first key and revocation lists where there are none. Raises `ConfigError` for a half ring."""
        with self._locked():
            if (self.folder / "root.pem").exists():
                if not (self.folder / "state.json").exists():
                    raise ConfigError(
                        f"{self.folder} holds a root but no state.json", hint="restore the folder from a backup"
                    )
                self._refresh(now)
                return
            root_key, issuing_key = authority.new_key(self._config.bits), authority.new_key(self._config.bits)
            names: dict[str, Any] = {"organisation": self._config.organisation, "now": now}
            root = authority.issue_root(root_key, days=self._config.root_days, **names)
            issuing = authority.issue_authority(
                issuing_key.public_key(), root, root_key, days=self._config.issuing_days, **names
            )
            self._write("root.key", self._private(root_key))
            self._write("issuing.key", self._private(issuing_key))
            self._write("issuing.pem", authority.pem(issuing).encode())
            self._write("root.making", authority.pem(root).encode())
            state = _State()
            self._add_key(state, now)
            self._publish(state, now)
            (self.folder / "root.making").replace(
                self.folder / "root.pem"
            )  # last: a start that was killed before this begins anew

    def root_pem(self) -> str:
        """The root certificate."""
        return self._read("root.pem").decode()

    def chain_pem(self) -> str:
        """The intermediates between leaf and root."""
        return self._read("issuing.pem").decode()

    def crl_pem(self, now: datetime) -> str:
        """The newest lists, renewed when half of their time has gone."""
        with self._locked():
            self._refresh(now)
        return self._read("crl.pem").decode()

    def rows(self) -> list[KeyRow]:
        """All keys, oldest first."""
        return self._state().keys

    def active(self, now: datetime) -> tuple[KeyRow, rsa.RSAPrivateKey, str]:
        """The one active key, its secret and its certificate. Raises `Unavailable` when there is none that is valid now."""
        row = next((row for row in self.rows() if row.state == "active"), None)
        if row is None:
            raise Unavailable("no signing key is active", hint="symbi tools keys rotate")
        if not row.not_before_ms <= now.timestamp() * 1000 <= row.not_after_ms:
            raise Unavailable(f"the signing key {row.key_id} is not valid now", hint="symbi tools keys rotate")
        return row, self._load(f"keys/{row.key_id}.key"), self._read(f"keys/{row.key_id}.pem").decode()

    def rotate(self, now: datetime) -> KeyRow:
        """A new active key; the old one is retired and verifies on."""
        with self._locked():
            state = self._state()
            row = self._add_key(state, now)
            self._publish(state, now)
            return row

    def revoke(self, key_id: str, *, reason: str, now: datetime, invalid_since_ms: int | None) -> KeyRow:
        """Revoke a key; if it was the active one, nothing can sign until the next rotation."""
        if reason not in REASONS:
            raise InvalidRequest(f"unknown reason {reason!r}", details={"field": "reason", "allowed": sorted(REASONS)})
        with self._locked():
            state = self._state()
            row = next((row for row in state.keys if row.key_id == key_id), None)
            if row is None:
                raise NotFound(f"no signing key is called {key_id!r}", hint="symbi tools keys list")
            if row.state != "revoked":
                row.state, row.reason, row.revoked_at_ms, row.invalid_since_ms = (
                    "revoked",
                    reason,
                    int(now.timestamp() * 1000),
                    invalid_since_ms,
                )
                self._publish(state, now)
            return row

    def _add_key(self, state: _State, now: datetime) -> KeyRow:
        for old in state.keys:
            if old.state == "active":
                old.state = "retired"
        key_id = f"signing-key-{len(state.keys) + 1:03d}"
        key = authority.new_key(self._config.bits)
        issuing = x509.load_pem_x509_certificate(self._read("issuing.pem"))
        leaf = authority.issue_leaf(
            key.public_key(),
            issuing,
            self._load("issuing.key"),
            organisation=self._config.organisation,
            key_id=key_id,
            now=now,
            days=self._config.leaf_days,
        )
        if leaf.not_valid_after_utc <= now:
            raise Conflict(
                "the issuing certificate has expired", hint="make a new signing folder and distribute its root"
            )
        (self.folder / "keys").mkdir(mode=0o700, exist_ok=True)
        self._write(f"keys/{key_id}.key", self._private(key))
        self._write(f"keys/{key_id}.pem", authority.pem(leaf).encode())
        row = KeyRow(
            key_id=key_id,
            fingerprint=authority.fingerprint(key.public_key()),
            state="active",
            serial=str(leaf.serial_number),
            not_before_ms=int(leaf.not_valid_before_utc.timestamp() * 1000),
            not_after_ms=int(leaf.not_valid_after_utc.timestamp() * 1000),
        )
        state.keys.append(row)
        return row

    def _refresh(self, now: datetime) -> None:
        state = self._state()
        left = state.crl_next_update_ms - now.timestamp() * 1000
        if left < self._config.crl_days * 86_400_000 / 2:
            self._publish(state, now)

    def _publish(self, state: _State, now: datetime) -> None:
        """New revocation lists, then the state: in that order, so that a crash never leaves a revoked key unlisted."""
        state.crl_number += 1
        days = self._config.crl_days
        revoked = [
            (
                int(row.serial),
                _when(row.revoked_at_ms),
                REASONS[row.reason],
                _when(row.invalid_since_ms) if row.invalid_since_ms is not None else None,
            )
            for row in state.keys
            if row.state == "revoked" and row.revoked_at_ms is not None
        ]
        issuing = x509.load_pem_x509_certificate(self._read("issuing.pem"))
        lists = authority.pem(
            authority.make_crl(issuing, self._load("issuing.key"), revoked, number=state.crl_number, now=now, days=days)
        )
        self._write("crl.pem", (lists + self._root_crl(state.crl_number, now)).encode())
        state.crl_next_update_ms = int(now.timestamp() * 1000) + days * 86_400_000
        self._write("state.json", msgspec.json.format(msgspec.json.encode(state), indent=1))

    def _root_crl(self, number: int, now: datetime) -> str:
        """The root's own list; once the root's key has been moved off this machine, the last one made stays (it lasts a year)."""
        if (self.folder / "root.key").exists():
            name = "root.pem" if (self.folder / "root.pem").exists() else "root.making"
            root = x509.load_pem_x509_certificate(self._read(name))
            text = authority.pem(
                authority.make_crl(
                    root, self._load("root.key"), [], number=number, now=now, days=max(365, self._config.crl_days)
                )
            )
            self._write("root-crl.pem", text.encode())
            return text
        return self._read("root-crl.pem").decode()

    def _state(self) -> _State:
        try:
            return msgspec.json.decode(self._read("state.json"), type=_State)
        except msgspec.MsgspecError as error:
            raise Unavailable(
                f"{self.folder / 'state.json'} is damaged: {error}", hint="restore it from a backup"
            ) from None

    def _private(self, key: rsa.RSAPrivateKey) -> bytes:
        how = (
            serialization.BestAvailableEncryption(self._passphrase)
            if self._passphrase
            else serialization.NoEncryption()
        )
        return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)

    def _load(self, name: str) -> rsa.RSAPrivateKey:
        data = self._read(name)
        encrypted = b"ENCRYPTED" in data[:64]
        try:
            key = serialization.load_pem_private_key(data, self._passphrase if encrypted else None)
        except (ValueError, TypeError):
            raise Unavailable(
                f"{self.folder / name} cannot be opened", hint=f"set {self._config.passphrase_env}"
            ) from None
        if not isinstance(key, rsa.RSAPrivateKey):
            raise Unavailable(f"{self.folder / name} is no RSA key")
        return key

    def _read(self, name: str) -> bytes:
        try:
            return (self.folder / name).read_bytes()
        except OSError as error:
            raise Unavailable(f"cannot read {self.folder / name}: {error.strerror}") from None

    def _write(self, name: str, data: bytes) -> None:
        path = self.folder / name
        temporary = path.with_name(path.name + ".new")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            raise Unavailable(f"cannot write {path}: {error.strerror}") from None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self.folder / ".lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _when(at_ms: int | None) -> datetime:
    return datetime.fromtimestamp((at_ms or 0) / 1000, UTC)
