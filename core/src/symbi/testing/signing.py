"""The contract of signers as tests.

Subclass `SignerContract`; give the fixtures `signer` (whose approval register holds the approval of `request`) and `request_to_sign`:

    class TestMine(SignerContract):
        @pytest.fixture
        def signer(self): ...
        @pytest.fixture
        def request_to_sign(self): ...
"""

from __future__ import annotations

import base64
import hashlib

import msgspec
import pytest

from symbi.contracts.errors import Conflict, NotFound, Unavailable
from symbi.contracts.signing import PackageRequest, Signer

__all__ = ["SignerContract"]


class SignerContract:
    """What every signer keeps to, wherever its keys live."""

    async def test_a_signer_is_a_signer(self, signer: Signer) -> None:
        assert isinstance(signer, Signer)

    async def test_what_it_signs_it_verifies(self, signer: Signer, request_to_sign: PackageRequest) -> None:
        package = await signer.sign(request_to_sign)
        assert package.info.package_sha256 == hashlib.sha256(package.content).hexdigest()
        assert base64.b64decode(package.info.signature, validate=True)
        assert package.certificate_chain
        found = await signer.verify(package.content)
        assert found.ok, found.reason
        assert found.source_code == request_to_sign.source_code
        assert found.statement is not None
        assert found.statement["predicate"]["review_id"] == request_to_sign.predicate["review_id"]

    async def test_a_changed_package_is_refused(self, signer: Signer, request_to_sign: PackageRequest) -> None:
        package = await signer.sign(request_to_sign)
        content, good, refused = package.content, await signer.verify(package.content), 0
        for position in range(40, len(content), max(1, len(content) // 40)):
            changed = bytes([*content[:position], content[position] ^ 1, *content[position + 1 :]])
            found = await signer.verify(changed)
            refused += not found.ok
            covered = (found.source_code, found.metadata, found.statement)
            assert not found.ok or covered == (good.source_code, good.metadata, good.statement)
        assert refused > 30  # dates and flags of the archive itself are nobody's word and may change
        assert not (await signer.verify(b"")).ok

    async def test_other_bytes_than_the_approved_are_not_signed(
        self, signer: Signer, request_to_sign: PackageRequest
    ) -> None:
        with pytest.raises(Conflict):
            await signer.sign(msgspec.structs.replace(request_to_sign, source_code="import os\n"))

    async def test_rotation_keeps_one_active_key_and_old_packages(
        self, signer: Signer, request_to_sign: PackageRequest
    ) -> None:
        package = await signer.sign(request_to_sign)
        await signer.rotate()
        assert [key.state for key in await signer.keys()].count("active") == 1
        assert (await signer.verify(package.content)).ok

    async def test_a_revoked_key_is_seen_and_signs_nothing(
        self, signer: Signer, request_to_sign: PackageRequest
    ) -> None:
        package = await signer.sign(request_to_sign)
        await signer.revoke(package.info.key_id, reason="key_compromise")
        assert not (await signer.verify(package.content)).ok
        with pytest.raises(Unavailable):
            await signer.sign(request_to_sign)
        with pytest.raises(NotFound):
            await signer.revoke("no-such-key", reason="superseded")

    async def test_root_and_lists_are_pem(self, signer: Signer) -> None:
        assert "BEGIN CERTIFICATE" in await signer.root_pem()
        assert "BEGIN X509 CRL" in await signer.crl_pem()
