"""Certificates and revocation lists: root, issuing authority, leaf (RFC 5280)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from symbi_rsa.canonical import sha256

__all__ = ["Revoked", "fingerprint", "issue_authority", "issue_leaf", "issue_root", "make_crl", "new_key", "pem"]

Revoked = tuple[int, datetime, str, datetime | None]
"""Serial number, date of revocation, reason, date since which the key is not trusted."""

_BACKDATE = timedelta(minutes=5)


def new_key(bits: int) -> rsa.RSAPrivateKey:
    """A new RSA key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def fingerprint(key: rsa.RSAPublicKey) -> str:
    """`sha256:` and the digest of the subject public key info."""
    data = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "sha256:" + sha256(data)


def pem(certificate: x509.Certificate | x509.CertificateRevocationList) -> str:
    """PEM text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _name(organisation: str, common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATE)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_code: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs_code,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signs_code,
        crl_sign=not signs_code,
        encipher_only=False,
        decipher_only=False,
    )


def _authority(key: rsa.RSAPublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def issue_root(key: rsa.RSAPrivateKey, *, organisation: str, now: datetime, days: int) -> x509.Certificate:
    """The self-signed root, which signs issuing authorities and nothing else."""
    name = _name(organisation, "Symbi tool root")
    public = key.public_key()
    builder = _builder(name, name, public, now, days)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
    builder = builder.add_extension(_usage(signs_code=False), critical=True).add_extension(
        _authority(public), critical=False
    )
    return builder.sign(key, hashes.SHA256())


def issue_authority(
    public: rsa.RSAPublicKey,
    root: x509.Certificate,
    root_key: rsa.RSAPrivateKey,
    *,
    organisation: str,
    now: datetime,
    days: int,
) -> x509.Certificate:
    """The issuing authority below the root."""
    builder = _builder(_name(organisation, "Symbi tool issuing"), root.subject, public, now, days)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_code=False), critical=True).add_extension(
        _authority(root_key.public_key()), critical=False
    )
    return builder.sign(root_key, hashes.SHA256())


def issue_leaf(
    public: rsa.RSAPublicKey,
    issuer: x509.Certificate,
    issuer_key: rsa.RSAPrivateKey,
    *,
    organisation: str,
    key_id: str,
    now: datetime,
    days: int,
) -> x509.Certificate:
    """A leaf that signs code and nothing else; it never outlives its issuer."""
    builder = _builder(_name(organisation, key_id), issuer.subject, public, now, days)
    if now + timedelta(days=days) > issuer.not_valid_after_utc:
        builder = _builder(
            _name(organisation, key_id), issuer.subject, public, now, max(1, (issuer.not_valid_after_utc - now).days)
        )
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_code=True), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=True)
    builder = builder.add_extension(_authority(issuer_key.public_key()), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def make_crl(
    issuer: x509.Certificate,
    key: rsa.RSAPrivateKey,
    revoked: Iterable[Revoked],
    *,
    number: int,
    now: datetime,
    days: int,
) -> x509.CertificateRevocationList:
    """A revocation list of one issuer, with reasons and invalidity dates."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(now - _BACKDATE)
        .next_update(now + timedelta(days=days))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_authority(key.public_key()), critical=False)
    )
    for serial, at, reason, since in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at)
        entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags(reason)), critical=False)
        if since is not None:
            entry = entry.add_extension(x509.InvalidityDate(since.astimezone(UTC).replace(tzinfo=None)), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(key, hashes.SHA256())
