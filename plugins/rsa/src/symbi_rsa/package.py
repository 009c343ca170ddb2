"""Builds the signed package: a plain zip whose bytes depend on nothing but its content (toolreview.md §1.9)."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime

from symbi.contracts.signing import PackageRequest
from symbi_rsa.canonical import canonical, envelope, pae, sha256, statement

__all__ = ["ENDINGS", "ORDER", "Parts", "build", "file_name", "prepare"]

ENDINGS = {"python": "py", "javascript": "js", "typescript": "ts"}
ORDER = (
    "META/analysis.json",
    "META/SHA256SUMS",
    "META/statement.json",
    "META/signature.bin",
    "META/envelope.dsse.json",
    "META/leaf.pem",
    "META/chain.pem",
    "META/crl.pem",
)
Parts = dict[str, bytes]


def file_name(tool_name: str, tool_version: str) -> str:
    """`{tool_name}-{tool_version}.symtool`, with nothing in it that a file system or a header could misread."""
    return re.sub(r"[^A-Za-z0-9._+-]", "_", f"{tool_name}-{tool_version}") + ".symtool"


def prepare(request: PackageRequest, *, key_id: str) -> tuple[Parts, bytes]:
    """The files that are covered, and the statement about them."""
    parts: Parts = {
        f"tool/source.{ENDINGS.get(request.language, 'txt')}": request.source_code.encode("utf-8"),
        "tool/metadata.json": canonical(dict(request.metadata)),
    }
    if request.analysis is not None:
        parts["META/analysis.json"] = canonical(dict(request.analysis))
    sums = "".join(f"{sha256(parts[name])}  {name}\n" for name in sorted(parts))
    parts["META/SHA256SUMS"] = sums.encode()
    predicate = {**request.predicate, "key_id": key_id, "signed_at": _rfc3339(request.signed_at_ms)}
    return parts, statement(parts, predicate)


def build(
    request: PackageRequest,
    *,
    key_id: str,
    key_fingerprint: str,
    leaf: str,
    chain: str,
    crl: str,
    sign: Callable[[bytes], bytes],
) -> tuple[bytes, bytes, bytes]:
    """The package, the statement and the signature."""
    parts, payload = prepare(request, key_id=key_id)
    signature = sign(pae(payload))
    parts["META/statement.json"] = payload
    parts["META/signature.bin"] = signature
    parts["META/envelope.dsse.json"] = envelope(payload, signature, key_fingerprint)
    parts["META/leaf.pem"] = leaf.encode()
    parts["META/chain.pem"] = chain.encode()
    parts["META/crl.pem"] = crl.encode()
    return _zip(parts, request.signed_at_ms), payload, signature


def _zip(parts: Parts, at_ms: int) -> bytes:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    stamp = (max(1980, moment.year), moment.month, moment.day, moment.hour, moment.minute, moment.second)
    names = [name for name in sorted(parts) if name.startswith("tool/")][::-1] + [
        name for name in ORDER if name in parts
    ]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as bundle:
        for name in names:
            entry = zipfile.ZipInfo(name, stamp)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            bundle.writestr(entry, parts[name])
    return buffer.getvalue()


def _rfc3339(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
