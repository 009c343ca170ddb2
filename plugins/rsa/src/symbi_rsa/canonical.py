"""The bytes that are signed: canonical JSON, the in-toto statement, the DSSE pre-authentication encoding."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["PAYLOAD_TYPE", "PREDICATE_TYPE", "STATEMENT_TYPE", "canonical", "envelope", "pae", "sha256", "statement"]

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:symbi:tool-review:v1"


def canonical(value: Any) -> bytes:
    """Compact JSON with sorted keys, in UTF-8; NaN and infinities are refused with `ValueError`."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def pae(payload: bytes) -> bytes:
    """DSSE v1 pre-authentication encoding: what the signature covers (secure-systems-lab/dsse, protocol.md)."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d " % (len(kind), kind, len(payload)) + payload


def statement(subjects: Mapping[str, bytes], predicate: Mapping[str, Any]) -> bytes:
    """An in-toto Statement v1 about the given files."""
    subject = [{"name": name, "digest": {"sha256": sha256(data)}} for name, data in sorted(subjects.items())]
    return canonical(
        {"_type": STATEMENT_TYPE, "subject": subject, "predicateType": PREDICATE_TYPE, "predicate": dict(predicate)}
    )


def envelope(payload: bytes, signature: bytes, key_fingerprint: str) -> bytes:
    """The same signature as a DSSE envelope."""
    return canonical(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": key_fingerprint, "sig": base64.b64encode(signature).decode()}],
        }
    )
