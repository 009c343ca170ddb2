"""What the plugin `rsa` offers."""

from __future__ import annotations

from collections.abc import Iterator

from symbi import Command, Offer, hookimpl

__all__: list[str] = []


@hookimpl
def signers() -> Iterator[Offer]:
    yield Offer(
        name="rsa",
        open="symbi_rsa.signer:open_signer",
        config="symbi_rsa.config:RsaConfig",
        summary="RSA-SHA256 with a local certificate authority; packages that openssl alone can check.",
    )


@hookimpl
def commands() -> Iterator[Command]:
    yield Command(name="tools verify", load="symbi_rsa.cli:verify", summary="Check a signed tool package, offline.")
    yield Command(name="tools keys", load="symbi_rsa.cli:keys", summary="List, rotate and revoke signing keys.")
    yield Command(
        name="tools root", load="symbi_rsa.cli:root", summary="Print the root certificate that verifiers pin."
    )
    yield Command(name="tools crl", load="symbi_rsa.cli:crl", summary="Print the newest revocation lists.")
