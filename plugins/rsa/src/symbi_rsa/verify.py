"""Checks a package against a pinned root: the same five steps as the openssl recipe, and it agrees with it (toolreview.md §1.9)."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime, timedelta
from typing import Any

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from symbi.contracts.signing import Verification
from symbi_rsa.canonical import PAYLOAD_TYPE, PREDICATE_TYPE, STATEMENT_TYPE, pae, sha256
from symbi_rsa.package import ENDINGS
from symbi_rsa.unpack import BadPackage, read_archive

__all__ = ["verify_package"]

_FIXED = frozenset(
    {
        "META/SHA256SUMS",
        "META/statement.json",
        "META/signature.bin",
        "META/envelope.dsse.json",
        "META/leaf.pem",
        "META/chain.pem",
        "META/crl.pem",
    }
)
_LANGUAGES = {ending: language for language, ending in ENDINGS.items()}
_LEAST_BITS = 3072
_SKEW = timedelta(minutes=5)


def verify_package(
    content: bytes, *, root_pem: str, crl_pem: str | None, now: datetime, strict: bool = False
) -> Verification:
    """Verify; a bad package gives `ok = False` with the first reason. Raises `ValueError` only for a root or list that is no PEM.

    `crl_pem` given by the verifier stands in the place of the snapshot in the package. A list past its time is refused when `strict`.
    """
    root = x509.load_pem_x509_certificate(root_pem.encode())
    given = _lists(crl_pem) if crl_pem is not None else None
    digest = hashlib.sha256(content).hexdigest()
    try:
        files = read_archive(content)
        missing = sorted(_FIXED - files.keys())
        if missing:
            raise BadPackage(f"{missing[0]} is missing")
        leaf, known_until = _check_chain(files, root, given, now, strict=strict)
        payload = _check_signature(files, leaf)
        _check_files(files, payload)
        return _good(files, payload, known_until, digest)
    except BadPackage as error:
        return Verification(ok=False, reason=str(error), package_sha256=digest)


def _lists(text: str) -> list[x509.CertificateRevocationList]:
    blocks = re.findall(r"-----BEGIN X509 CRL-----.+?-----END X509 CRL-----", text, re.DOTALL)
    return [x509.load_pem_x509_crl(block.encode()) for block in blocks]


def _check_chain(
    files: dict[str, bytes],
    root: x509.Certificate,
    given: list[x509.CertificateRevocationList] | None,
    now: datetime,
    *,
    strict: bool,
) -> tuple[x509.Certificate, str]:
    try:
        leaf = x509.load_pem_x509_certificate(files["META/leaf.pem"])
        chain = x509.load_pem_x509_certificates(files["META/chain.pem"])
        lists = given if given is not None else _lists(files["META/crl.pem"].decode("ascii"))
    except ValueError:
        raise BadPackage("a certificate or revocation list cannot be read") from None
    if not 1 <= len(chain) <= 3:
        raise BadPackage("the chain must hold one to three certificates")
    path = [leaf, *chain, root]
    for position, certificate in enumerate(path):
        _check_times(certificate, now)
        if position:
            _check_authority(certificate, below=position - 1)
            try:
                path[position - 1].verify_directly_issued_by(certificate)
            except (ValueError, TypeError, InvalidSignature):
                raise BadPackage("the chain does not lead to the pinned root") from None
    _check_leaf(leaf)
    until = [_check_revoked(path[i], path[i + 1], lists, now, strict=strict) for i in range(len(path) - 1)]
    return leaf, min(until).isoformat().replace("+00:00", "Z")


def _check_times(certificate: x509.Certificate, now: datetime) -> None:
    if now > certificate.not_valid_after_utc:
        raise BadPackage("a certificate has expired")
    if now + _SKEW < certificate.not_valid_before_utc:
        raise BadPackage("a certificate is not valid yet")


def _check_authority(certificate: x509.Certificate, *, below: int) -> None:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        raise BadPackage("an issuer is no certificate authority") from None
    if not constraints.ca or not usage.key_cert_sign or not usage.crl_sign:
        raise BadPackage("an issuer is no certificate authority")
    if constraints.path_length is not None and below > constraints.path_length:
        raise BadPackage("the chain is longer than an issuer allows")


def _check_leaf(leaf: x509.Certificate) -> None:
    try:
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
        purposes = list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except (x509.ExtensionNotFound, ValueError):
        raise BadPackage("the signing certificate does not say what it is for") from None
    if purposes != [ExtendedKeyUsageOID.CODE_SIGNING] or not usage.digital_signature or usage.key_cert_sign:
        raise BadPackage("the signing certificate is not for code signing")


def _check_revoked(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    lists: list[x509.CertificateRevocationList],
    now: datetime,
    *,
    strict: bool,
) -> datetime:
    key = issuer.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise BadPackage("an issuer's key is not RSA")
    own = [crl for crl in lists if crl.issuer == issuer.subject and crl.is_signature_valid(key)]
    if not own:
        raise BadPackage("there is no revocation list of an issuer")
    newest = max(own, key=lambda crl: crl.last_update_utc)
    if newest.last_update_utc > now + _SKEW:
        raise BadPackage("a revocation list is from the future")
    if any(crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None for crl in own):
        raise BadPackage("a certificate of the chain is revoked")
    until = newest.next_update_utc or newest.last_update_utc
    if strict and now > until:
        raise BadPackage("the revocation list is past its time")
    return until


def _check_signature(files: dict[str, bytes], leaf: x509.Certificate) -> dict[str, Any]:
    key = leaf.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < _LEAST_BITS:
        raise BadPackage("the signing key is not RSA of at least 3072 bits")
    payload = files["META/statement.json"]
    try:
        key.verify(files["META/signature.bin"], pae(payload), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise BadPackage("the signature does not match the statement") from None
    try:
        outer = msgspec.json.decode(files["META/envelope.dsse.json"])
        same = base64.b64decode(outer["payload"]) == payload and outer["payloadType"] == PAYLOAD_TYPE
        same = same and base64.b64decode(outer["signatures"][0]["sig"]) == files["META/signature.bin"]
        found = msgspec.json.decode(payload)
        if (
            not same
            or found["_type"] != STATEMENT_TYPE
            or found["predicateType"] != PREDICATE_TYPE
            or not isinstance(found["predicate"], dict)
        ):
            raise BadPackage("the envelope and the statement differ")
        statement: dict[str, Any] = found
        return statement
    except (msgspec.MsgspecError, KeyError, TypeError, IndexError, ValueError):
        raise BadPackage("the statement or the envelope cannot be read") from None


def _check_files(files: dict[str, bytes], statement: dict[str, Any]) -> None:
    try:
        subjects = {str(item["name"]): str(item["digest"]["sha256"]) for item in statement["subject"]}
        listed = dict(_sums(files["META/SHA256SUMS"].decode("ascii")))
    except (KeyError, TypeError, ValueError):
        raise BadPackage("the list of files cannot be read") from None
    if subjects.get("META/SHA256SUMS") != sha256(files["META/SHA256SUMS"]):
        raise BadPackage("the list of files is not the one that was signed")
    if set(files) != set(listed) | _FIXED:
        raise BadPackage("the files are not those of the list")
    for name, digest in listed.items():
        if sha256(files[name]) != digest or subjects.get(name) != digest:
            raise BadPackage(f"{name} is not as it was signed")


def _sums(text: str) -> list[tuple[str, str]]:
    rows = []
    for line in text.splitlines():
        match = re.fullmatch(r"([0-9a-f]{64})  ((?:tool|META)/[A-Za-z0-9._-]+)", line)
        if match is None:
            raise ValueError("a line of the list is malformed")
        rows.append((match.group(2), match.group(1)))
    return rows


def _good(files: dict[str, bytes], statement: dict[str, Any], known_until: str, digest: str) -> Verification:
    sources = [name for name in files if name.startswith("tool/source.")]
    try:
        metadata = msgspec.json.decode(files["tool/metadata.json"])
        source = files[sources[0]].decode("utf-8")
    except (KeyError, IndexError, ValueError):
        raise BadPackage("the tool's source or metadata is missing") from None
    if len(sources) != 1 or statement["predicate"].get("source_sha256") != sha256(files[sources[0]]):
        raise BadPackage("the verdict speaks of another source")
    return Verification(
        ok=True,
        reason=f"valid; revocation known up to {known_until}",
        statement=statement,
        source_code=source,
        metadata=metadata,
        language=_LANGUAGES.get(sources[0].rsplit(".", 1)[-1], ""),
        revocation_known_until=known_until,
        package_sha256=digest,
    )
