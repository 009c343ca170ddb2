"""TR-03, TR-16, TR-17 and the life of keys: no approval, no signature; equal requests, equal bytes; secrets stay 0600."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symbi.contracts.errors import ConfigError, Conflict, InvalidRequest, NotFound, Unavailable
from symbi.contracts.signing import PackageRequest, Signer
from symbi_rsa.canonical import canonical, pae
from symbi_rsa.cli import verify
from symbi_rsa.config import RsaConfig
from symbi_rsa.keyring import KeyRing
from symbi_rsa.signer import RsaSigner
from symbi_rsa.verify import verify_package

Make = Callable[..., PackageRequest]


async def test_the_signer_is_a_signer(signer: RsaSigner) -> None:
    assert isinstance(signer, Signer)


async def test_equal_requests_give_equal_bytes(signer: RsaSigner, make_request: Make) -> None:
    first, second = await signer.sign(make_request()), await signer.sign(make_request())
    assert first.content == second.content
    assert first.filename == "weather-1.0.0.symtool"


async def test_the_answer_alone_can_be_checked(signer: RsaSigner, make_request: Make) -> None:
    package = await signer.sign(make_request())
    leaf = x509.load_pem_x509_certificate(package.certificate_chain[0].encode())
    key = leaf.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    payload = base64.b64decode(package.info.payload)
    key.verify(base64.b64decode(package.info.signature), pae(payload), padding.PKCS1v15(), hashes.SHA256())
    assert json.loads(payload)["predicate"]["key_id"] == package.info.key_id
    assert len(package.certificate_chain) == 2


async def test_without_a_register_nothing_is_signed(bare_signer: RsaSigner, make_request: Make) -> None:
    with pytest.raises(Conflict, match="no standing approval"):
        await bare_signer.sign(make_request())


def _predicate(make: Make, **changes: Any) -> dict[str, Any]:
    return {**make().predicate, **changes}


async def test_an_edited_source_is_not_signed(signer: RsaSigner, make_request: Make) -> None:
    with pytest.raises(Conflict, match="source"):
        await signer.sign(make_request(source="import os\n"))


async def test_edited_metadata_is_not_signed(signer: RsaSigner, make_request: Make) -> None:
    with pytest.raises(Conflict, match="metadata"):
        await signer.sign(make_request(metadata={"tool_name": "weather", "permissions": ["*"]}))


async def test_another_review_or_analysis_is_not_signed(signer: RsaSigner, make_request: Make) -> None:
    with pytest.raises(Conflict):
        await signer.sign(make_request(predicate=_predicate(make_request, review_id="r2")))
    with pytest.raises(Conflict, match="another analysis"):
        await signer.sign(make_request(predicate=_predicate(make_request, analysis_id="a0")))


async def test_a_revoked_key_signs_nothing_until_rotation(signer: RsaSigner, make_request: Make) -> None:
    info = await signer.revoke("signing-key-001", reason="key_compromise", invalid_since_ms=5)
    assert (info.state, info.revoked_at_ms) == ("revoked", 5)
    with pytest.raises(Unavailable, match="no signing key"):
        await signer.sign(make_request())
    await signer.rotate()
    assert (await signer.sign(make_request())).info.key_id == "signing-key-002"


async def test_unknown_keys_and_reasons(signer: RsaSigner) -> None:
    with pytest.raises(NotFound):
        await signer.revoke("signing-key-999", reason="superseded")
    with pytest.raises(InvalidRequest):
        await signer.revoke("signing-key-001", reason="whim")


def test_private_files_are_0600(ring_folder: Path) -> None:
    for path in ring_folder.rglob("*.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_keys_can_be_encrypted(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    KeyRing(folder, RsaConfig(), b"correct horse").ensure(datetime.now(UTC))
    assert b"ENCRYPTED" in (folder / "root.key").read_bytes()
    with pytest.raises(Unavailable, match="cannot be opened"):
        KeyRing(folder, RsaConfig(), b"wrong").active(datetime.now(UTC))
    assert KeyRing(folder, RsaConfig(), b"correct horse").active(datetime.now(UTC))[0].state == "active"


def test_a_first_start_that_was_killed_begins_anew(ring: KeyRing) -> None:
    (ring.folder / "root.pem").unlink()
    (ring.folder / "state.json").unlink()
    ring.ensure(datetime.now(UTC))
    assert ring.active(datetime.now(UTC))[0].key_id == "signing-key-001"


def test_a_lost_state_is_told(ring: KeyRing) -> None:
    (ring.folder / "state.json").unlink()
    with pytest.raises(ConfigError, match=r"no state\.json"):
        ring.ensure(datetime.now(UTC))


def test_the_ring_works_when_the_root_key_is_in_a_safe(ring: KeyRing) -> None:
    (ring.folder / "root.key").unlink()
    assert ring.rotate(datetime.now(UTC)).key_id == "signing-key-002"
    assert ring.crl_pem(datetime.now(UTC)).count("BEGIN X509 CRL") == 2


def test_verify_on_the_command_line(ring: KeyRing, tmp_path: Path, make_request: Make, signer: RsaSigner) -> None:
    import asyncio

    package, root = tmp_path / "w.symtool", tmp_path / "root.pem"
    package.write_bytes(asyncio.run(signer.sign(make_request())).content)
    root.write_text(ring.root_pem())
    result = CliRunner().invoke(verify, [str(package), "--root", str(root), "--json"])
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["ok"], answer["statement"]["predicateType"]) == (
        0,
        True,
        "urn:symbi:tool-review:v1",
    )
    package.write_bytes(package.read_bytes()[:-1])
    bad = CliRunner().invoke(verify, [str(package), "--root", str(root), "--json"])
    assert (bad.exit_code, json.loads(bad.stdout)["ok"], json.loads(bad.stdout)["statement"]) == (1, False, None)
    assert CliRunner().invoke(verify, [str(tmp_path / "none"), "--root", str(root)]).exit_code == 2


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400))
def test_no_bytes_make_the_verifier_fail(ring_folder: Path, data: bytes) -> None:
    root = (ring_folder / "root.pem").read_text()
    for content in (data, b"PK\x03\x04" + data + b"PK\x05\x06" + b"\0" * 18):
        assert verify_package(content, root_pem=root, crl_pem=None, now=datetime.now(UTC)).ok is False


def test_canonical_json_refuses_what_is_no_json() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        canonical({"a": float("nan")})
    assert canonical({"b": 1, "a": "é"}) == '{"a":"é","b":1}'.encode()
