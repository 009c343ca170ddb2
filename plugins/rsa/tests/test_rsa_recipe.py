"""TR-15, TR-16, TR-17, TR-32: the documented recipe and our own verification agree on one good package and on every bad one."""

from __future__ import annotations

import io
import re
import subprocess
import warnings
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from symbi.contracts.signing import PackageRequest
from symbi_rsa import authority
from symbi_rsa.canonical import envelope, pae, sha256
from symbi_rsa.keyring import KeyRing
from symbi_rsa.signer import RsaSigner
from symbi_rsa.verify import verify_package

RECIPE = Path(__file__).parents[3] / "docs" / "signing.md"
Files = dict[str, bytes]


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = re.search(r"```sh\n(#!/bin/sh\n.+?)```", RECIPE.read_text(encoding="utf-8"), re.DOTALL)
    assert text is not None
    path = tmp_path_factory.mktemp("recipe") / "verify.sh"
    path.write_text(text.group(1))
    return path


@pytest.fixture
async def good(signer: RsaSigner, make_request: Callable[..., PackageRequest]) -> bytes:
    return (await signer.sign(make_request())).content


def files_of(content: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


def pack(files: Files, *, extra: list[tuple[str, bytes, int]] = (), how: int = zipfile.ZIP_STORED) -> bytes:  # type: ignore[assignment]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as bundle, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, data, mode in [*((name, data, 0o100644) for name, data in files.items()), *extra]:
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr, entry.compress_type = 3, mode << 16, how
            bundle.writestr(entry, data)
    return buffer.getvalue()


def run(script: Path, folder: Path, content: bytes, root: str, crl: str | None = None) -> bool:
    (folder / "p.symtool").write_bytes(content)
    (folder / "root.pem").write_text(root)
    args = ["sh", str(script), str(folder / "p.symtool"), str(folder / "root.pem")]
    if crl is not None:
        (folder / "fresh.pem").write_text(crl)
        args.append(str(folder / "fresh.pem"))
    done = subprocess.run(args, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert (done.stdout == "good\n") == (done.returncode == 0)
    return done.returncode == 0


def both(script: Path, folder: Path, content: bytes, root: str, crl: str | None = None) -> bool:
    ours = verify_package(content, root_pem=root, crl_pem=crl, now=datetime.now(UTC), strict=True)
    theirs = run(script, folder, content, root, crl)
    assert ours.ok == theirs, ours.reason
    return theirs


def test_the_good_package_is_good(script: Path, tmp_path: Path, ring: KeyRing, good: bytes) -> None:
    assert both(script, tmp_path, good, ring.root_pem())


def resign(files: Files, ring: KeyRing) -> Files:
    """Sign again with the real key: what an insider with the key but without care could make."""
    row, key, _ = ring.active(datetime.now(UTC))
    signature = key.sign(pae(files["META/statement.json"]), padding.PKCS1v15(), hashes.SHA256())
    return {
        **files,
        "META/signature.bin": signature,
        "META/envelope.dsse.json": envelope(files["META/statement.json"], signature, row.fingerprint),
    }


def leaf_of(files: Files, ring: KeyRing, change: Callable[[Any], x509.Certificate]) -> Files:
    """A package signed by a leaf that the issuing authority should never have made."""
    key = authority.new_key(3072)
    issuing = x509.load_pem_x509_certificate(ring.chain_pem().encode())
    leaf = change((key, issuing, ring._load("issuing.key")))
    signature = key.sign(pae(files["META/statement.json"]), padding.PKCS1v15(), hashes.SHA256())
    return {
        **files,
        "META/leaf.pem": authority.pem(leaf).encode(),
        "META/signature.bin": signature,
        "META/envelope.dsse.json": envelope(
            files["META/statement.json"], signature, authority.fingerprint(key.public_key())
        ),
    }


def _expired(parts: Any) -> x509.Certificate:
    key, issuing, issuer_key = parts
    return authority.issue_leaf(
        key.public_key(),
        issuing,
        issuer_key,
        organisation="x",
        key_id="old",
        now=datetime.now(UTC) - timedelta(days=10),
        days=5,
    )


def _for_servers(parts: Any) -> x509.Certificate:
    key, issuing, issuer_key = parts
    made = authority.issue_leaf(
        key.public_key(), issuing, issuer_key, organisation="x", key_id="web", now=datetime.now(UTC), days=5
    )
    builder = x509.CertificateBuilder(
        made.issuer,
        made.subject,
        made.public_key(),
        made.serial_number,
        made.not_valid_before_utc,
        made.not_valid_after_utc,
    )
    for extension in made.extensions:
        value = (
            x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH])
            if isinstance(extension.value, x509.ExtendedKeyUsage)
            else extension.value
        )
        builder = builder.add_extension(value, extension.critical)
    return builder.sign(issuer_key, hashes.SHA256())


def _self_signed(parts: Any) -> x509.Certificate:
    key, _, _ = parts
    return authority.issue_root(key, organisation="x", now=datetime.now(UTC), days=5)


def _edit(name: str, old: bytes, new: bytes) -> Callable[[Files, KeyRing], bytes]:
    def change(files: Files, ring: KeyRing) -> bytes:
        assert old in files[name]
        return pack({**files, name: files[name].replace(old, new)})

    return change


def _source_and_sums(files: Files, ring: KeyRing) -> bytes:
    source = files["tool/source.py"] + b"import os\n"
    sums = files["META/SHA256SUMS"].replace(sha256(files["tool/source.py"]).encode(), sha256(source).encode())
    return pack({**files, "tool/source.py": source, "META/SHA256SUMS": sums})


def _without(name: str) -> Callable[[Files, KeyRing], bytes]:
    return lambda files, ring: pack({key: data for key, data in files.items() if key != name})


def _extra(name: str, data: bytes = b"x", mode: int = 0o100644) -> Callable[[Files, KeyRing], bytes]:
    return lambda files, ring: pack(files, extra=[(name, data, mode)])


BAD: dict[str, Callable[[Files, KeyRing], bytes]] = {
    "verdict in the statement edited": _edit("META/statement.json", b'"decision":"approve"', b'"decision":"APPROVE"'),
    "source edited": _edit("tool/source.py", b"city", b"town"),
    "metadata edited": _edit("tool/metadata.json", b"weather", b"whether"),
    "analysis edited": _edit("META/analysis.json", b"3", b"0"),
    "source and list edited": _source_and_sums,
    "list reordered": lambda f, r: pack(
        {**f, "META/SHA256SUMS": b"".join(reversed(f["META/SHA256SUMS"].splitlines(keepends=True)))}
    ),
    "signature cut": lambda f, r: pack({**f, "META/signature.bin": f["META/signature.bin"][:-1]}),
    "signature of something else": lambda f, r: pack(
        {**f, "META/signature.bin": r.active(datetime.now(UTC))[1].sign(b"else", padding.PKCS1v15(), hashes.SHA256())}
    ),
    "signature without the DSSE encoding": lambda f, r: pack(
        {
            **f,
            "META/signature.bin": r.active(datetime.now(UTC))[1].sign(
                f["META/statement.json"], padding.PKCS1v15(), hashes.SHA256()
            ),
        }
    ),
    "envelope edited": _edit("META/envelope.dsse.json", b'"sig":"', b'"sig":"AAAA'),
    "statement of another type": lambda f, r: pack(
        resign(
            {
                **f,
                "META/statement.json": f["META/statement.json"].replace(b"urn:symbi:tool-review:v1", b"urn:other:v1"),
            },
            r,
        )
    ),
    "file added": _extra("tool/extra.py"),
    "file added in META": _extra("META/extra.txt"),
    "symbolic link added": _extra("tool/link.py", b"/etc/passwd", 0o120777),
    "second entry of the same name": _extra("tool/source.py", b"import os\n"),
    "entry that differs in case": _extra("tool/SOURCE.py", b"import os\n"),
    "path that leads out": _extra("tool/../../evil.py"),
    "absolute path": _extra("/tmp/evil.py"),
    "backslashes": _extra("tool\\evil.py"),
    "a thousand files": lambda f, r: pack(f, extra=[(f"tool/f{i}", b"", 0o100644) for i in range(1000)]),
    "bomb": lambda f, r: pack({**f, "tool/source.py": b"#" * (20 << 20)}, how=zipfile.ZIP_DEFLATED),
    "something before the zip": lambda f, r: b"#!/bin/sh\n" + pack(f),
    "not a zip": lambda f, r: b"hello",
    "cut in half": lambda f, r: pack(f)[: len(pack(f)) // 2],
    "analysis removed": _without("META/analysis.json"),
    "revocation list removed": _without("META/crl.pem"),
    "chain removed": _without("META/chain.pem"),
    "expired leaf": lambda f, r: pack(leaf_of(f, r, _expired)),
    "leaf for servers": lambda f, r: pack(leaf_of(f, r, _for_servers)),
    "leaf signed by itself": lambda f, r: pack(leaf_of(f, r, _self_signed)),
}


def test_there_are_at_least_twelve_bad_packages() -> None:
    assert len(BAD) >= 12


@pytest.mark.parametrize("name", BAD)
def test_a_bad_package_is_refused_by_both(name: str, script: Path, tmp_path: Path, ring: KeyRing, good: bytes) -> None:
    content = BAD[name](files_of(good), ring)
    assert not both(script, tmp_path, content, ring.root_pem())
    assert not (tmp_path.parent / "evil.py").exists()


def test_a_root_with_the_same_name_is_another_root(script: Path, tmp_path: Path, ring: KeyRing, good: bytes) -> None:
    other = authority.issue_root(
        authority.new_key(3072), organisation="Symbi local tool signing", now=datetime.now(UTC), days=10
    )
    assert not both(script, tmp_path, good, authority.pem(other))


async def test_a_revoked_key_is_refused_with_the_fresh_list(
    script: Path, tmp_path: Path, ring: KeyRing, signer: RsaSigner, good: bytes
) -> None:
    await signer.revoke("signing-key-001", reason="key_compromise")
    assert not both(script, tmp_path, good, ring.root_pem(), ring.crl_pem(datetime.now(UTC)))
    assert both(script, tmp_path, good, ring.root_pem())


async def test_rotation_keeps_old_packages_good(
    script: Path,
    tmp_path: Path,
    ring: KeyRing,
    signer: RsaSigner,
    good: bytes,
    make_request: Callable[..., PackageRequest],
) -> None:
    assert (await signer.rotate()).key_id == "signing-key-002"
    new = await signer.sign(make_request())
    assert new.info.key_id == "signing-key-002"
    assert [row.state for row in ring.rows()] == ["retired", "active"]
    fresh = ring.crl_pem(datetime.now(UTC))
    assert both(script, tmp_path, good, ring.root_pem(), fresh)
    assert both(script, tmp_path, new.content, ring.root_pem(), fresh)


def test_a_stale_list_is_said_and_strictly_refused(ring: KeyRing, good: bytes) -> None:
    later = datetime.now(UTC) + timedelta(days=60)
    relaxed = verify_package(good, root_pem=ring.root_pem(), crl_pem=None, now=later)
    assert relaxed.ok
    assert "known up to" in relaxed.reason
    assert not verify_package(good, root_pem=ring.root_pem(), crl_pem=None, now=later, strict=True).ok
