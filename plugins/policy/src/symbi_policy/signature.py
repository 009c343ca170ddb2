"""Signs and checks a policy directory: Ed25519 over the sorted list of files and their hashes (POL-23)."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from symbi.contracts.errors import ConfigError, InvalidRequest

__all__ = ["SIGNATURE_FILE", "check_signature", "load_public_key", "make_key", "sign"]

SIGNATURE_FILE = "policies.sig"
_DOMAIN = b"symbi-policies-v1\n"


class SignatureFile(msgspec.Struct, frozen=True, kw_only=True):
    """What `policies.sig` holds: the signature in base64."""

    algorithm: str
    signature: str


def make_key(file: Path) -> Path:
    """Write a fresh private key (PEM, 0600) and its public half beside it (`.pub`), whose path is returned."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(private)
        beside = file.with_name(file.name + ".pub")
        beside.write_bytes(public)
    except OSError as error:
        raise InvalidRequest(f"{file}: cannot be written: {error.strerror}", hint="choose another name") from None
    return beside


def sign(directory: Path, files: Iterable[Mapping[str, Any]], key_file: Path) -> Path:
    """Write `policies.sig` over the files that were read; raises `InvalidRequest` where the key is none of ours."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise InvalidRequest(f"{key_file}: no private key in PEM: {error}", hint="symbi policy keygen FILE") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidRequest(f"{key_file}: not an Ed25519 key", hint="symbi policy keygen FILE")
    signature = base64.b64encode(key.sign(_message(files))).decode()
    target = directory / SIGNATURE_FILE
    partial = target.with_name(f".{SIGNATURE_FILE}.{os.getpid()}")
    partial.write_bytes(msgspec.json.encode(SignatureFile(algorithm="ed25519", signature=signature)) + b"\n")
    partial.replace(target)
    return target


def load_public_key(file: Path) -> Any:
    """Return the public key that policies must be signed with; raises `ConfigError`."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = serialization.load_pem_public_key(file.read_bytes())
    except (OSError, ValueError) as error:
        problem = f"policy.public_key: {file}: no public key in PEM: {error}"
        raise ConfigError(problem, path="policy.public_key", hint="symbi policy keygen FILE makes FILE.pub") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"policy.public_key: {file}: not an Ed25519 key", path="policy.public_key")
    return key


def check_signature(directory: Path, files: Iterable[Mapping[str, Any]], key: Any) -> str:
    """Return what is wrong with the signature of the files that were read, or the empty text."""
    from cryptography.exceptions import InvalidSignature

    try:
        found = msgspec.json.decode((directory / SIGNATURE_FILE).read_bytes(), type=SignatureFile)
        key.verify(base64.b64decode(found.signature, validate=True), _message(files))
    except FileNotFoundError:
        return "the policies are not signed"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except (msgspec.MsgspecError, ValueError):
        return "is no signature file"
    except InvalidSignature:
        return "does not fit the policies: a file was changed, added or removed since, or another key signed"
    return "" if found.algorithm == "ed25519" else f"names the algorithm {found.algorithm!r}, only ed25519 is known"


def _message(files: Iterable[Mapping[str, Any]]) -> bytes:
    return _DOMAIN + msgspec.json.encode(sorted([str(each["path"]), str(each["sha256"])] for each in files))
