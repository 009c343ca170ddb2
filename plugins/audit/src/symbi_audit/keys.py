"""The Ed25519 key that signs checkpoints and the anchor."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from symbi.contracts.audit import AuditFailed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["SigningKey", "VerifyingKey"]

PRIVATE = "key.pem"
PUBLIC = "public.pem"


class VerifyingKey:
    """The public half: enough to check a log."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        self.id = hashlib.sha256(key.public_bytes_raw()).hexdigest()[:32]

    @classmethod
    def read(cls, path: Path) -> VerifyingKey:
        """Read a PEM file; raises `OSError` when it cannot be read and `ValueError` when it holds no Ed25519 public key."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        key = load_pem_public_key(path.read_bytes())
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("not an Ed25519 public key")
        return cls(key)

    def verify(self, signature: str, text: bytes) -> bool:
        """Tell whether `signature` (hex) is this key's over `text`."""
        from cryptography.exceptions import InvalidSignature

        try:
            self._key.verify(bytes.fromhex(signature), text)
        except (InvalidSignature, ValueError):
            return False
        return True


class SigningKey(VerifyingKey):
    """The private half, kept in the log's folder with mode 0600."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        super().__init__(key.public_key())
        self._private = key

    @classmethod
    def load(cls, folder: Path, *, fresh: bool) -> SigningKey:
        """Read the folder's key, or make one for a `fresh` log.

        Raises `AuditFailed` when a log that has records has lost its key, or when the key cannot be read or is open to others.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        path = folder / PRIVATE
        if not path.exists():
            if not fresh:
                raise AuditFailed(
                    f"the signing key {path} of the audit log is gone",
                    hint="restore it, or move the log away to begin a new one",
                )
            return cls._make(folder)
        if path.stat().st_mode & 0o077:
            raise AuditFailed(
                f"the signing key {path} is readable by others", hint=f"chmod 600 {path}, and consider it known"
            )
        try:
            key = load_pem_private_key(path.read_bytes(), None)
        except ValueError as error:
            raise AuditFailed(f"the signing key {path} is damaged", hint="restore it from a backup") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise AuditFailed(f"the signing key {path} is no Ed25519 key", hint="restore it from a backup")
        found = cls(key)
        if not (folder / PUBLIC).exists():  # a crash came between the two files
            found.write_public(folder)
        return found

    @classmethod
    def _make(cls, folder: Path) -> SigningKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        key = Ed25519PrivateKey.generate()
        _write(folder / PRIVATE, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        made = cls(key)
        made.write_public(folder)
        return made

    def write_public(self, folder: Path) -> None:
        """Write the public half beside the private one."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        _write(
            folder / PUBLIC, self._private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )

    def sign(self, text: bytes) -> str:
        """Return the signature over `text` in hex."""
        return self._private.sign(text).hex()


def _write(path: Path, content: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(fd, content)
        os.fsync(fd)
    finally:
        os.close(fd)
