"""The signer: signs what the approval register confirms, and nothing else."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from symbi.contracts.errors import Conflict
from symbi.contracts.signing import (
    ApprovalRegister,
    KeyInfo,
    PackageRequest,
    SignatureInfo,
    SignedPackage,
    Verification,
)
from symbi_rsa.canonical import PAYLOAD_TYPE, canonical, sha256
from symbi_rsa.config import RsaConfig
from symbi_rsa.keyring import KeyRing
from symbi_rsa.package import build, file_name
from symbi_rsa.verify import verify_package

__all__ = ["RsaSigner", "open_signer", "ring_of"]


class RsaSigner:
    """`Signer` over a key ring on disk. RSASSA-PKCS1-v1_5 with SHA-256 is deterministic: equal requests give equal packages."""

    def __init__(self, ring: KeyRing, context: Any) -> None:
        self._ring = ring
        self._context = context

    def _now(self) -> datetime:
        now: datetime = self._context.clock.now()
        return now

    async def sign(self, request: PackageRequest) -> SignedPackage:
        """See `Signer.sign`."""
        await self._check_approval(request)
        return await asyncio.to_thread(self._sign, request, self._now())

    async def _check_approval(self, request: PackageRequest) -> None:
        register = self._context.services.maybe(ApprovalRegister)
        review_id = str(request.predicate.get("review_id", ""))
        approval = await register.approval(review_id) if register is not None else None
        if approval is None:
            raise Conflict(
                "there is no standing approval of this tool", hint="signatures follow approvals; see symbi review"
            )
        source = sha256(request.source_code.encode("utf-8"))
        if approval.source_sha256 != source or request.predicate.get("source_sha256") != source:
            raise Conflict("the source is not the one that was approved")
        if approval.metadata_sha256 != sha256(canonical(dict(request.metadata))):
            raise Conflict("the metadata is not the one that was approved")
        if request.predicate.get("analysis_id") != approval.analysis_id:
            raise Conflict("the approval belongs to another analysis")

    def _sign(self, request: PackageRequest, now: datetime) -> SignedPackage:
        crl = self._ring.crl_pem(now)
        row, key, leaf = self._ring.active(now)
        chain = self._ring.chain_pem()
        content, payload, signature = build(
            request,
            key_id=row.key_id,
            key_fingerprint=row.fingerprint,
            leaf=leaf,
            chain=chain,
            crl=crl,
            sign=lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256()),
        )
        own = verify_package(content, root_pem=self._ring.root_pem(), crl_pem=crl, now=now)
        if not own.ok:
            raise Conflict(f"the new package does not verify: {own.reason}")
        info = SignatureInfo(
            algorithm="RSA-SHA256",
            key_id=row.key_id,
            key_fingerprint=row.fingerprint,
            signature=base64.b64encode(signature).decode(),
            payload=base64.b64encode(payload).decode(),
            payload_type=PAYLOAD_TYPE,
            package_sha256=sha256(content),
            signed_at_ms=request.signed_at_ms,
        )
        name = file_name(request.tool_name, request.tool_version)
        return SignedPackage(filename=name, content=content, info=info, certificate_chain=(leaf, chain))

    async def verify(self, content: bytes, *, require_fresh: bool = False) -> Verification:
        """See `Signer.verify`."""
        now = self._now()

        def work() -> Verification:
            return verify_package(
                content, root_pem=self._ring.root_pem(), crl_pem=self._ring.crl_pem(now), now=now, strict=require_fresh
            )

        return await asyncio.to_thread(work)

    async def root_pem(self) -> str:
        """See `Signer.root_pem`."""
        return await asyncio.to_thread(self._ring.root_pem)

    async def crl_pem(self) -> str:
        """See `Signer.crl_pem`."""
        return await asyncio.to_thread(self._ring.crl_pem, self._now())

    async def keys(self) -> Sequence[KeyInfo]:
        """See `Signer.keys`."""
        return [row.info() for row in await asyncio.to_thread(self._ring.rows)]

    async def rotate(self) -> KeyInfo:
        """See `Signer.rotate`."""
        return (await asyncio.to_thread(self._ring.rotate, self._now())).info()

    async def revoke(self, key_id: str, *, reason: str, invalid_since_ms: int | None = None) -> KeyInfo:
        """See `Signer.revoke`."""
        now = self._now()
        row = await asyncio.to_thread(
            lambda: self._ring.revoke(key_id, reason=reason, now=now, invalid_since_ms=invalid_since_ms)
        )
        return row.info()


def ring_of(config: RsaConfig, data_dir: Path, environ: Any) -> KeyRing:
    """The key ring of a data directory."""
    phrase = str(environ.get(config.passphrase_env, "") or "")
    return KeyRing(data_dir / config.directory, config, phrase.encode() or None)


@asynccontextmanager
async def open_signer(config: RsaConfig, context: Any) -> AsyncIterator[RsaSigner]:
    """Open the ring, making root, authority and first key on the first start."""
    ring = ring_of(config, context.data_dir, context.environ)
    now = context.clock.now()
    await asyncio.to_thread(ring.ensure, now.astimezone(UTC))
    yield RsaSigner(ring, context)
