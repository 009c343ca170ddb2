"""The chain: what a record is hashed over, and the lines of a segment.

A line is canonical JSON (sorted keys, no spaces, UTF-8): a record, or `{"checkpoint": {…}}`, an Ed25519 signature over the chain so far.
A record's hash is SHA-256 over its domain name and the canonical JSON of all its fields but `hash` (spec/policy.md SEC-3).
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from symbi.contracts.audit import AuditRecord

__all__ = [
    "CHECKPOINT_EVERY",
    "GENESIS",
    "Checkpoint",
    "LineError",
    "canonical",
    "checkpoint_text",
    "make_line",
    "read_line",
]

GENESIS = "0" * 64
"""The previous hash of the first record."""

CHECKPOINT_EVERY = 100
"""There are never more records than this after a checkpoint."""

_RECORD_DOMAIN = b"symbi-audit-record-v1\n"
_CHECKPOINT_DOMAIN = b"symbi-audit-checkpoint-v1\n"
_FIELDS = frozenset(AuditRecord.__struct_fields__)
_encoder = msgspec.json.Encoder(order="sorted")


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signed statement that record `seq` has this `hash`; `key` is the id of the signing key.

    `first` and `before` say where the chain begins: the first record that is kept, and the hash before it.
    """

    seq: int
    hash: str
    first: int
    before: str
    at: str
    key: str
    signature: str


class LineError(ValueError):
    """A line is neither a whole record nor a checkpoint; the message says why."""


def canonical(value: Any) -> bytes:
    """Return canonical JSON."""
    return _encoder.encode(value)


def make_line(fields: dict[str, Any]) -> tuple[str, bytes]:
    """Return the hash of a record's fields (all but `hash`) and its line."""
    digest = hashlib.sha256(_RECORD_DOMAIN + _encoder.encode(fields)).hexdigest()
    return digest, _encoder.encode({**fields, "hash": digest}) + b"\n"


def checkpoint_text(checkpoint: Checkpoint) -> bytes:
    """Return the bytes that a checkpoint's signature covers."""
    fields = msgspec.structs.asdict(checkpoint)
    del fields["signature"]
    return _CHECKPOINT_DOMAIN + _encoder.encode(fields)


def read_line(line: bytes) -> AuditRecord | Checkpoint:
    """Read a line back and check that it is canonical and that a record's hash is that of its fields; raises `LineError`."""
    try:
        fields = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LineError("the line is no JSON") from error
    if not isinstance(fields, dict) or _encoder.encode(fields) != line.rstrip(b"\n"):
        raise LineError("the line is not in canonical form")
    try:
        if set(fields) == {"checkpoint"}:
            return msgspec.convert(fields["checkpoint"], Checkpoint)
        record = msgspec.convert(fields, AuditRecord)
    except msgspec.ValidationError as error:
        raise LineError(f"the line is neither a record nor a checkpoint: {error}") from error
    if fields.keys() != _FIELDS:
        raise LineError(f"unexpected fields: {', '.join(sorted(fields.keys() - _FIELDS))}")
    del fields["hash"]
    if hashlib.sha256(_RECORD_DOMAIN + _encoder.encode(fields)).hexdigest() != record.hash:
        raise LineError("the hash is not that of the record's fields: the record was changed")
    return record
