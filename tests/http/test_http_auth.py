"""Who may enter with a static token: runtime-api.md §3.1 and the findings A-08, A-20, F-03, F-25."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Request, get, post

from symbi.contracts.errors import ConfigError
from symbi.contracts.principal import LOCAL_ADMIN, Principal
from symbi.contracts.secret import Secret
from symbi.http.access import principal_of, require_scope
from symbi.http.app import create_app
from symbi.http.settings import AuthSettings
from symbi.http.tokens import StaticToken, static_token, weakness_of
from symbi.testing.kernels import open_kernel

TOKEN = "a-long-enough-token-0123456789"


@get("/whoami")
async def whoami(principal: Principal) -> dict[str, Any]:
    return {"id": principal.id, "admin": principal.admin}


@get("/scoped", guards=[require_scope("things:read")])
async def scoped() -> str:
    return "ok"


@get("/figures", opt={"auth": "loopback"})
async def figures(request: Request[Any, Any, Any]) -> dict[str, str]:
    return {"id": principal_of(request).id}


@post("/start", opt={"auth": "loopback"}, status_code=200)
async def start(data: dict[str, Any]) -> dict[str, Any]:
    return data


HANDLERS = [whoami, scoped, figures, start]


async def test_token_opens_protected_routes(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        for scheme in ("Bearer", "bearer"):
            answer = await client.get("/api/v1/whoami", headers={"Authorization": f"{scheme} {TOKEN}"})
            assert (answer.status_code, answer.json()) == (200, {"id": "token", "admin": True})


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN, "Bearer \xff\xfe"]
)
async def test_missing_or_wrong_token_is_401_with_the_json_body(make_client: Any, header: str | None) -> None:
    async with make_client(HANDLERS) as client:
        headers = {} if header is None else {"Authorization": header.encode("latin-1")}
        answer = await client.get("/api/v1/whoami", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["code"] == "UNAUTHORIZED"
        assert set(answer.json()) == {"error", "code", "details"}
        assert "expired" not in answer.text  # the SDK reads that word as another error


async def test_no_token_configured_means_nobody_enters(make_client: Any) -> None:
    async with make_client(HANDLERS, token=None) as client:
        for header in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer x"}):
            assert (await client.get("/api/v1/whoami", headers=header)).status_code == 401
        assert client.app.state.authority.kind == "none"


async def test_health_never_looks_at_a_token(make_client: Any) -> None:
    async with make_client() as client:
        for path in ("/api/v1/health", "/api/v1/health/live", "/api/v1/health/ready"):
            assert (await client.get(path, headers={"Authorization": "Bearer wrong"})).status_code == 200


async def test_scope_guard_lets_admin_through_and_names_the_scope() -> None:
    guard = require_scope("things:read")

    class Connection:
        def __init__(self, principal: Principal) -> None:
            self.scope = {"user": principal}

    guard(Connection(LOCAL_ADMIN), None)  # type: ignore[arg-type]  # a guard reads the scope alone
    guard(Connection(Principal(id="key:1", kind="key", scopes=frozenset({"things:read"}))), None)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="things:read"):
        guard(Connection(Principal(id="key:2", kind="key")), None)  # type: ignore[arg-type]


async def test_open_paths_need_no_token_on_loopback_but_a_sent_one_must_be_valid(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        assert (await client.get("/api/v1/figures")).json() == {"id": "anonymous"}
        assert (await client.get("/api/v1/figures", headers={"Authorization": f"Bearer {TOKEN}"})).json() == {
            "id": "token"
        }
        assert (await client.get("/api/v1/figures", headers={"Authorization": "Bearer wrong"})).status_code == 401


async def test_open_post_wants_json_and_no_foreign_page(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        assert (await client.post("/api/v1/start", json={"a": 1})).json() == {"a": 1}
        plain = await client.post("/api/v1/start", content=b"{}", headers={"Content-Type": "text/plain"})
        assert (plain.status_code, plain.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
        assert (await client.post("/api/v1/start", content=b"{}")).status_code == 415
        foreign = await client.post("/api/v1/start", json={}, headers={"Origin": "https://evil.example"})
        assert (foreign.status_code, foreign.json()["code"]) == (403, "ORIGIN_NOT_ALLOWED")
        assert (
            await client.post("/api/v1/start", json={}, headers={"Origin": "http://127.0.0.1:8080"})
        ).status_code == 200


@pytest.mark.parametrize(
    ("server", "auth", "peer", "headers"),
    [
        ({"host": "0.0.0.0"}, {}, "127.0.0.1", {}),
        ({}, {"open_paths": "never"}, "127.0.0.1", {}),
        ({}, {}, "203.0.113.9", {}),
        ({}, {}, "127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}),
        ({}, {}, "127.0.0.1", {"Via": "1.1 proxy"}),
    ],
)
async def test_open_paths_close_away_from_loopback(
    make_client: Any, server: Any, auth: Any, peer: str, headers: Any
) -> None:
    async with make_client(HANDLERS, server=server, auth=auth, peer=peer) as client:
        assert (await client.get("/api/v1/figures", headers=headers)).status_code == 401


async def test_open_paths_can_be_opened_always(make_client: Any) -> None:
    async with make_client(
        HANDLERS, server={"host": "0.0.0.0"}, auth={"open_paths": "always"}, peer="203.0.113.9"
    ) as client:
        assert (await client.get("/api/v1/figures")).status_code == 200


@pytest.mark.parametrize(
    "token",
    [
        "",
        "   ",
        "short",
        "password",
        "Password123",
        "changeme",
        "testtoken123",
        "test-abc-defg",
        "aaaaaaaaaaaa",
        "has a blank in it",
        "línea-larga-123",
    ],
)
@pytest.mark.parametrize("name", ["API_AUTH_TOKEN", "SYMBIONT_API_TOKEN"])
def test_a08_weak_tokens_are_refused_in_every_variable(token: str, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        static_token(AuthSettings(), {name: token})
    assert name in str(caught.value)
    assert "Password123" not in str(caught.value)
    assert "test-abc-defg" not in str(caught.value)


def test_weak_token_in_the_file_is_refused_too() -> None:
    with pytest.raises(ConfigError, match=r"auth\.token"):
        static_token(AuthSettings(token=Secret("admin")), {})


def test_both_variables_must_agree() -> None:
    with pytest.raises(ConfigError, match="differ"):
        static_token(AuthSettings(), {"API_AUTH_TOKEN": TOKEN, "SYMBIONT_API_TOKEN": TOKEN + "2"})
    same = static_token(AuthSettings(), {"API_AUTH_TOKEN": TOKEN, "SYMBIONT_API_TOKEN": f" {TOKEN} "})
    assert same is not None
    assert same.matches(TOKEN.encode())


def test_environment_wins_over_the_file() -> None:
    found = static_token(AuthSettings(token=Secret("the-token-of-the-file-1")), {"SYMBIONT_API_TOKEN": TOKEN})
    assert found is not None
    assert found.matches(TOKEN.encode())
    assert not found.matches(b"the-token-of-the-file-1")


async def test_weak_token_refuses_the_start(tmp_path: Path) -> None:
    async with open_kernel(tmp_path, environ={"API_AUTH_TOKEN": "secret"}) as kernel:
        with pytest.raises(ConfigError):
            create_app(kernel)


@given(st.binary(max_size=64))
def test_only_the_token_matches(presented: bytes) -> None:
    assert StaticToken(TOKEN).matches(presented) == (presented == TOKEN.encode())


@given(
    st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789", min_size=24, max_size=64).filter(
        lambda text: len(set(text)) > 3
    )
)
def test_long_random_tokens_are_strong(token: str) -> None:
    assert weakness_of(token) is None
