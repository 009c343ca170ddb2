"""JSON web tokens, strictly: the 24 attacks of toolreview.md §1.13 end in one 401."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import jwt
from jwt.algorithms import get_default_algorithms

from symbi.contracts.errors import ConfigError
from symbi_review.access import ROLES, Caller
from symbi_review.config import JwtConfig
from symbi_review.errors import ApiError

__all__ = ["TokenGate", "mint", "unauthorized"]

_MOST = 8192
_PART = re.compile(r"[A-Za-z0-9_-]+")
_HEADER = frozenset({"alg", "typ", "kid"})
_SUBJECT_MOST = 254


def unauthorized(*, expired: bool = False) -> ApiError:
    """The one answer to every bad token; only an honestly expired one is told apart, because clients look for the word."""
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    if expired:
        return ApiError(401, "TOKEN_EXPIRED", "The token has expired.", headers=headers)
    return ApiError(401, "UNAUTHORIZED", "A valid bearer token is required.", headers=headers)


class _Unique(dict[str, Any]):
    pass


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = _Unique(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return dict(found)


def _decode(part: str) -> dict[str, Any]:
    if not _PART.fullmatch(part) or len(part) % 4 == 1:
        raise ValueError("not base64url")
    raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        raise ValueError("not canonical base64url")
    value = json.loads(raw.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_refuse)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _refuse(name: str) -> Any:
    raise ValueError(name)


class TokenGate:
    """Checks tokens with one algorithm and a fixed table of keys; nothing in a token chooses either."""

    def __init__(self, config: JwtConfig, *, secret: bytes | None) -> None:
        self._config = config
        self._keys: dict[str | None, Any] = {}
        if config.jwks_file is not None:
            self._keys = _read_jwks(Path(config.jwks_file), config.algorithm)
        elif config.algorithm == "HS256" and secret is not None:
            self._keys = {None: secret}
        elif config.algorithm != "HS256":
            raise ConfigError(f"{config.algorithm} needs a `jwks_file`", path="review.jwt.jwks_file")

    def check(self, token: str, now: float) -> Caller:
        """The caller behind a token. Raises a 401 `ApiError`."""
        try:
            _header, claims = self._open(token)
        except (ValueError, RecursionError, KeyError, TypeError, jwt.PyJWTError):
            raise unauthorized() from None
        return self._caller(claims, now)

    def _open(self, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
        if not self._keys or len(token) > _MOST or token.count(".") != 2:
            raise ValueError("shape")
        head, body, mark = token.split(".")
        header = _decode(head)
        if (
            set(header) - _HEADER
            or header.get("alg") != self._config.algorithm
            or str(header.get("typ", "JWT")).upper() not in ("JWT", "AT+JWT")
        ):
            raise ValueError("header")
        kid = header.get("kid")
        if kid is not None and not isinstance(kid, str):
            raise ValueError("kid")
        key = (
            self._keys.get(kid)
            if kid in self._keys
            else self._keys[None]
            if kid is None and None in self._keys
            else None
        )
        if kid is not None and None in self._keys and len(self._keys) == 1:
            raise ValueError("unknown kid")
        algorithm = get_default_algorithms()[self._config.algorithm]
        if not _PART.fullmatch(mark):
            raise ValueError("signature")
        raw = base64.b64decode(mark + "=" * (-len(mark) % 4), altchars=b"-_", validate=True)
        if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != mark:
            raise ValueError("signature")
        probe = key if key is not None else next(iter(self._keys.values()))
        good = algorithm.verify(
            f"{head}.{body}".encode("ascii"), algorithm.prepare_key(probe) if isinstance(probe, bytes) else probe, raw
        )
        if key is None or not good:
            raise ValueError("signature")
        return header, _decode(body)

    def _caller(self, claims: dict[str, Any], now: float) -> Caller:
        config = self._config
        for name in ("iss", "aud", "sub", "exp", "iat"):
            if name not in claims:
                raise unauthorized()
        for name in ("exp", "iat", "nbf"):
            value = claims.get(name, 0)
            if isinstance(value, bool) or not isinstance(value, int | float) or not -1e12 < value < 1e12:
                raise unauthorized()
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        subject = claims["sub"]
        if (
            claims["iss"] != config.issuer
            or config.audience not in audience
            or not isinstance(subject, str)
            or not 1 <= len(subject) <= _SUBJECT_MOST
            or not subject.isprintable()
        ):
            raise unauthorized()
        if claims.get("type", "access") != "access" or claims.get("token_use", "access") != "access":
            raise unauthorized()
        if claims["iat"] > now + config.leeway_seconds or claims.get("nbf", 0) > now + config.leeway_seconds:
            raise unauthorized()
        if claims["exp"] - claims["iat"] > config.max_lifetime_seconds or claims["exp"] <= claims["iat"]:
            raise unauthorized()
        jti = claims.get("jti", "")
        if not isinstance(jti, str) or len(jti) > 255:
            raise unauthorized()
        if now >= claims["exp"] + config.leeway_seconds:
            raise unauthorized(expired=True)
        email = claims.get("email") if claims.get("email_verified") is True else ""
        return Caller(
            subject=subject,
            issuer=config.issuer,
            scopes=_scopes(claims),
            email=email if isinstance(email, str) else "",
            jti=jti,
            until=int(claims["exp"]),
        )


def _scopes(claims: dict[str, Any]) -> frozenset[str]:
    scope = claims.get("scope", "")
    words = set(scope.split()) if isinstance(scope, str) else set()
    roles = claims.get("roles", [])
    for role in roles if isinstance(roles, list) else []:
        words |= ROLES.get(role, frozenset()) if isinstance(role, str) else frozenset()
    return frozenset(words)


def _read_jwks(path: Path, algorithm: str) -> dict[str | None, Any]:
    try:
        keys = json.loads(path.read_text(encoding="utf-8"))["keys"]
        table: dict[str | None, Any] = {}
        for entry in keys:
            if entry.get("alg", algorithm) != algorithm or entry.get("use", "sig") != "sig":
                continue
            table[entry.get("kid")] = jwt.PyJWK(entry, algorithm=algorithm).key
    except (OSError, ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError) as error:
        raise ConfigError(f"cannot read the keys in {path}: {error}", path="review.jwt.jwks_file") from None
    if not table:
        raise ConfigError(f"{path} holds no key for {algorithm}", path="review.jwt.jwks_file")
    if len(table) == 1:
        table.setdefault(None, next(iter(table.values())))
    return table


def mint(
    config: JwtConfig, secret: bytes, *, subject: str, scope: str, lifetime_seconds: int, now: int, jti: str
) -> str:
    """A token signed with the HS256 secret."""
    claims = {
        "iss": config.issuer,
        "aud": config.audience,
        "sub": subject,
        "iat": now,
        "exp": now + lifetime_seconds,
        "jti": jti,
        "type": "access",
        "scope": scope,
    }
    return jwt.encode(claims, secret, algorithm="HS256")
