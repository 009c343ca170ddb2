"""TR-20: the 24 attacks on tokens all end in the same 401 (toolreview.md §1.13)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from symbi.contracts.errors import ConfigError
from symbi_review.config import JwtConfig
from symbi_review.errors import ApiError
from symbi_review.tokens import TokenGate, mint

SECRET = b"another-secret-of-the-tests-0123456789-abcdef"
NOW = 1_800_000_000
CONFIG = JwtConfig()


def b64(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forge(claims: Any = None, header: Any = None, *, key: bytes = SECRET, **changes: Any) -> str:
    base = {
        "iss": "symbiont",
        "aud": "symbiont-api",
        "sub": "alice",
        "iat": NOW,
        "exp": NOW + 600,
        "scope": "tool:review",
    }
    body = {**base, **changes} if claims is None else claims
    for name in [name for name, value in body.items() if value is ...] if isinstance(body, dict) else []:
        del body[name]
    head = b64(header if header is not None else {"alg": "HS256", "typ": "JWT"})
    text = f"{head}.{b64(body)}"
    return f"{text}.{b64(hmac.digest(key, text.encode(), hashlib.sha256))}"


PUBLIC = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC_PEM = PUBLIC.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)

ATTACKS = {
    "alg none": forge(header={"alg": "none"}).rsplit(".", 1)[0] + ".",
    "alg None": forge(header={"alg": "None"}),
    "alg nOnE": forge(header={"alg": "nOnE"}),
    "another algorithm": forge(header={"alg": "HS512", "typ": "JWT"}),
    "alg missing": forge(header={"typ": "JWT"}),
    "expired": forge(iat=NOW - 7200, exp=NOW - 3600),
    "not yet": forge(nbf=NOW + 3600),
    "issued in the future": forge(iat=NOW + 3600, exp=NOW + 7200),
    "no exp": forge(exp=...),
    "no iat": forge(iat=...),
    "no sub": forge(sub=...),
    "wrong audience": forge(aud="other"),
    "wrong issuer": forge(iss="other"),
    "signature stripped": forge().rsplit(".", 1)[0] + ".",
    "signature padded": forge() + "=",
    "signature changed": forge(key=b"x" * 40),
    "unknown crit": forge(header={"alg": "HS256", "crit": ["b64"], "b64": False}),
    "exp of the year 31 billion": forge(exp=10**18),
    "exp as a text": forge(exp=str(NOW + 600)),
    "exp true": forge(exp=True),
    "lives too long": forge(exp=NOW + 90_000),
    "refresh token": forge(type="refresh"),
    "jwk in the header": forge(header={"alg": "HS256", "jwk": {"kty": "oct", "k": "AAAA"}}),
    "jku in the header": forge(header={"alg": "HS256", "jku": "https://evil.example/keys"}),
    "x5u in the header": forge(header={"alg": "HS256", "x5u": "https://evil.example/c"}),
    "x5c in the header": forge(header={"alg": "HS256", "x5c": ["AAAA"]}),
    "kid with a path": forge(header={"alg": "HS256", "kid": "../../dev/null"}),
    "kid with SQL": forge(header={"alg": "HS256", "kid": "' OR 1=1 --"}),
    "kid that is no text": forge(header={"alg": "HS256", "kid": 1}),
    "unknown kid": forge(header={"alg": "HS256", "kid": "k2"}),
    "larger than 8 KiB": forge(scope="x" * 9000),
    "duplicate keys": f"{b64({'alg': 'HS256'})}."
    + b64(b'{"iss":"symbiont","aud":"symbiont-api","sub":"a","sub":"root","iat":1,"exp":2}')
    + ".AAAA",
    "not JSON": f"{b64(b'hello')}.{b64(b'hello')}.AAAA",
    "a list": forge(claims=[1]),
    "deep": f"{b64({'alg': 'HS256'})}.{b64(b'[' * 5000)}.AAAA",
    "opaque token": "k7Qw-runtime-token-9ZrT4m",
    "five parts": "a.b.c.d.e",
    "empty": "",
    "signed with the public key": forge(key=PUBLIC_PEM),
    "subject with a line break": forge(sub="alice\nroot"),
}


def gate() -> TokenGate:
    return TokenGate(CONFIG, secret=SECRET)


def test_there_are_at_least_24_attacks() -> None:
    assert len(ATTACKS) >= 24


def test_a_good_token_is_good() -> None:
    caller = gate().check(forge(), NOW)
    assert (caller.subject, caller.scopes) == ("alice", frozenset({"tool:review"}))
    minted = mint(CONFIG, SECRET, subject="bob", scope="tool:approve", lifetime_seconds=60, now=NOW, jti="j")
    assert gate().check(minted, NOW).jti == "j"
    assert (
        jwt.decode(
            minted,
            SECRET,
            algorithms=["HS256"],
            audience="symbiont-api",
            issuer="symbiont",
            options={"verify_exp": False, "verify_iat": False},
        )["sub"]
        == "bob"
    )


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_with_the_same_words(name: str) -> None:
    with pytest.raises(ApiError) as caught:
        gate().check(ATTACKS[name], NOW)
    assert caught.value.status == 401
    assert caught.value.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    wanted = "TOKEN_EXPIRED" if name == "expired" else "UNAUTHORIZED"
    assert caught.value.error_code == wanted


def test_every_changed_character_is_seen() -> None:
    good = forge()
    for position in range(0, len(good), 7):
        changed = good[:position] + ("A" if good[position] != "A" else "B") + good[position + 1 :]
        with pytest.raises(ApiError):
            gate().check(changed, NOW)


def test_roles_become_scopes_and_unknown_ones_nothing() -> None:
    assert "tool:admin" in gate().check(forge(scope=..., roles=["admin"]), NOW).scopes
    assert gate().check(forge(scope=..., roles=["user"]), NOW).scopes == {"tool:review"}
    assert gate().check(forge(scope=["tool:admin"], roles="admin"), NOW).scopes == frozenset()
    assert gate().check(forge(email="a@b.c"), NOW).email == ""
    assert gate().check(forge(email="a@b.c", email_verified=True), NOW).email == "a@b.c"


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(PUBLIC.public_key()))
    path.write_text(json.dumps({"keys": [{**key, "kid": "k1", "alg": "RS256", "use": "sig"}]}))
    return path


def test_public_keys_bind_kid_and_algorithm(jwks: Path) -> None:
    config = JwtConfig(algorithm="RS256", jwks_file=str(jwks))
    checker = TokenGate(config, secret=None)
    claims = {"iss": "symbiont", "aud": "symbiont-api", "sub": "alice", "iat": NOW, "exp": NOW + 60}
    assert checker.check(jwt.encode(claims, PUBLIC, algorithm="RS256", headers={"kid": "k1"}), NOW).subject == "alice"
    bad = [
        jwt.encode(claims, PUBLIC, algorithm="RS256", headers={"kid": "k9"}),
        jwt.encode(claims, PUBLIC, algorithm="PS256", headers={"kid": "k1"}),
        forge(claims=claims, header={"alg": "HS256", "kid": "k1"}, key=PUBLIC_PEM),
        jwt.encode(
            claims,
            rsa.generate_private_key(public_exponent=65537, key_size=2048),
            algorithm="RS256",
            headers={"kid": "k1"},
        ),
    ]
    for token in bad:
        with pytest.raises(ApiError):
            checker.check(token, NOW)


def test_wrong_settings_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        TokenGate(JwtConfig(algorithm="RS256"), secret=None)
    (tmp_path / "k").write_text("{}")
    with pytest.raises(ConfigError):
        TokenGate(JwtConfig(algorithm="RS256", jwks_file=str(tmp_path / "k")), secret=None)
    with pytest.raises(ValueError, match="leeway"):
        JwtConfig(leeway_seconds=31)


def test_known_and_unknown_kids_take_about_the_same_time(jwks: Path) -> None:
    checker = TokenGate(JwtConfig(algorithm="RS256", jwks_file=str(jwks)), secret=None)
    claims = {"iss": "symbiont", "aud": "symbiont-api", "sub": "alice", "iat": NOW, "exp": NOW + 60}
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def cost(kid: str) -> float:
        token = jwt.encode(claims, other, algorithm="RS256", headers={"kid": kid})
        times = []
        for _ in range(60):
            started = time.perf_counter()
            with pytest.raises(ApiError):
                checker.check(token, NOW)
            times.append(time.perf_counter() - started)
        return sorted(times)[20]

    assert 0.4 < cost("k1") / cost("zz") < 2.5


async def test_over_http(desk: Any) -> None:
    token = desk.token("alice", jti="once")
    ok = {"authorization": f"Bearer {token}"}
    assert (await desk.anonymous.get("/sessions", headers=ok)).status_code == 200
    for headers in (
        {},
        {"authorization": f"Basic {token}"},
        {"authorization": f"Bearer  {token}"},
        {"authorization": token},
    ):
        assert (await desk.anonymous.get("/sessions", headers=headers)).status_code == 401
    twice = [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]
    assert (await desk.anonymous.get("/sessions", headers=twice)).status_code == 401
    assert (await desk.anonymous.get(f"/sessions?access_token={token}")).status_code == 401
    assert (await desk.app.client.get("/sessions")).status_code == 401, "the runtime's own token is no review token"
    assert (await desk.anonymous.post("/review/logout", headers=ok)).status_code == 200
    assert (await desk.anonymous.get("/sessions", headers=ok)).status_code == 401, "replayed after logout"


async def test_the_admin_token_enters_only_where_it_is_switched_on(make_desk: Any) -> None:
    async with make_desk(jwt={"accept_admin_token": True}) as desk:
        assert (await desk.app.client.get("/sessions")).status_code == 200
        assert (await desk.anonymous.get("/sessions", headers={"authorization": "Bearer nonsense"})).status_code == 401
