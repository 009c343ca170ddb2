"""Settings of the review service: the table `[review]`."""

from __future__ import annotations

from typing import Literal

import msgspec

from symbi.contracts.secret import Secret

__all__ = ["JwtConfig", "RateLimits", "ReviewConfig", "Webhook"]


class JwtConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How callers prove who they are (`[review.jwt]`): one of `secret` (HS256) and `jwks_file` (RS256, EdDSA, ES256).

    With neither, a secret is made in the data directory on first start, so that `symbi review token` works at once.
    """

    algorithm: Literal["HS256", "RS256", "ES256", "EdDSA"] = "HS256"
    issuer: str = "symbiont"
    audience: str = "symbiont-api"
    secret: Secret | None = None
    jwks_file: str | None = None
    leeway_seconds: int = 10
    max_lifetime_seconds: int = 86_400
    accept_admin_token: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.leeway_seconds <= 30:
            raise ValueError("`leeway_seconds` must be between 0 and 30")
        if self.secret is not None and len(self.secret.reveal().encode()) < 32:
            raise ValueError("`secret` must have at least 32 bytes")
        if self.secret is not None and self.algorithm != "HS256":
            raise ValueError("`secret` goes with HS256; give a `jwks_file` for other algorithms")
        if self.jwks_file is not None and (self.secret is not None or self.algorithm == "HS256"):
            raise ValueError("`jwks_file` goes with RS256, ES256 or EdDSA, and without `secret`")


class RateLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requests in any 60 seconds by class (`[review.rate_limits]`); the seed's figures."""

    enabled: bool = True
    submission: int = 10
    query: int = 100
    download: int = 20
    decision: int = 30
    failed_logins: int = 30


class Webhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One receiver of events; `events` empty means all. `secret` signs each delivery."""

    url: str
    secret: Secret
    events: tuple[str, ...] = ()


class ReviewConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The policy of the review and its machinery."""

    signer: str = "rsa"
    analyzers: tuple[str, ...] = ("static",)
    auto_approve: bool = True
    auto_approve_max_risk: int = 39
    auto_approve_min_confidence: float = 0.8
    auto_reject: bool = False
    hold_new_authors: bool = False
    two_person_min_risk: int | None = None
    on_signing_exhausted: Literal["hold", "reject"] = "hold"
    claim_minutes: int = 60
    changes_days: int = 14
    max_queue: int = 1000
    analysis_deadline_seconds: float = 120.0
    workers: int = 2
    include_analysis: bool = True
    webhooks: tuple[Webhook, ...] = ()
    jwt: JwtConfig = msgspec.field(default_factory=JwtConfig)
    rate_limits: RateLimits = msgspec.field(default_factory=RateLimits)

    def __post_init__(self) -> None:
        if not 0 <= self.auto_approve_max_risk <= 100:
            raise ValueError("`auto_approve_max_risk` must be between 0 and 100")
        if not self.analyzers:
            raise ValueError("`analyzers` must name at least one")
