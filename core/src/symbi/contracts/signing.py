"""What signs a reviewed tool and what checks a signed one: the signing contract (spec: toolreview.md §1.8 and §1.9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec

__all__ = [
    "Approval",
    "ApprovalRegister",
    "KeyInfo",
    "PackageRequest",
    "SignatureInfo",
    "SignedPackage",
    "Signer",
    "Verification",
]


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """A stored approval that still stands, and the exact bytes it stands for."""

    review_id: str
    source_sha256: str
    metadata_sha256: str
    analysis_id: str


@runtime_checkable
class ApprovalRegister(Protocol):
    """Where a signer looks an approval up itself, whatever its caller says."""

    async def approval(self, review_id: str) -> Approval | None:
        """The standing approval of a review, or None."""
        ...


class PackageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """All that goes into a package; the signer adds nothing but the key's name and the signature.

    `predicate` is the review's verdict (JSON-ready); `signed_at_ms` fixes every time stamp, so equal requests give equal bytes for a
    deterministic algorithm. `analysis` is the report as JSON-ready data, or None when policy keeps it out.
    """

    tool_name: str
    tool_version: str
    source_code: str
    language: str
    metadata: Mapping[str, Any]
    predicate: Mapping[str, Any]
    signed_at_ms: int
    analysis: Mapping[str, Any] | None = None


class SignatureInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The signature as the HTTP API shows it; `signature` and `payload` are base64, `signed_at_ms` is UTC milliseconds."""

    algorithm: str
    key_id: str
    key_fingerprint: str
    signature: str
    payload: str
    payload_type: str
    package_sha256: str
    signed_at_ms: int


class SignedPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A signed package: its file name, its bytes, and what the API tells of it; the chain is PEM, leaf first, without the root."""

    filename: str
    content: bytes
    info: SignatureInfo
    certificate_chain: tuple[str, ...]


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on a package; `reason` names the first check that failed, `statement` is given only when the signature holds.

    `source_code`, `metadata` and `language` are set only when `ok`; they come from the bytes that the signature covers.
    """

    ok: bool
    reason: str
    statement: Mapping[str, Any] | None = None
    source_code: str | None = None
    metadata: Mapping[str, Any] | None = None
    language: str = ""
    revocation_known_until: str = ""
    package_sha256: str = ""


class KeyInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A signing key without its secret; `state` is staged, active, retired or revoked; times are UTC milliseconds."""

    key_id: str
    fingerprint: str
    algorithm: str
    state: str
    not_before_ms: int
    not_after_ms: int
    revoked_at_ms: int | None = None
    reason: str = ""


@runtime_checkable
class Signer(Protocol):
    """Signs packages and checks them; what the extension point `signers` opens. A KMS, PKCS#11 or Sigstore signer implements the same.

    Every method fails closed: what cannot be signed raises `Unavailable` or `Conflict`, what cannot be checked is not `ok`.
    """

    async def sign(self, request: PackageRequest) -> SignedPackage:
        """Sign with the one active key.

        Raises `Unavailable` when no key can sign now, and `Conflict` unless the `ApprovalRegister` holds a standing approval of exactly
        these bytes (`predicate["review_id"]` names it).
        """
        ...

    async def verify(self, content: bytes, *, require_fresh: bool = False) -> Verification:
        """Check a package against this signer's own root and its newest revocation list; never raises for a bad package."""
        ...

    async def root_pem(self) -> str:
        """The root certificate that verifiers pin, as PEM."""
        ...

    async def crl_pem(self) -> str:
        """The newest revocation lists (all issuers of the chain), as PEM."""
        ...

    async def keys(self) -> Sequence[KeyInfo]:
        """All keys, oldest first."""
        ...

    async def rotate(self) -> KeyInfo:
        """Make a new key active and retire the old one; packages that the old one signed stay valid."""
        ...

    async def revoke(self, key_id: str, *, reason: str, invalid_since_ms: int | None = None) -> KeyInfo:
        """Revoke a key and publish it in the revocation list. Raises `NotFound` for an unknown key; revoking twice does nothing more."""
        ...
