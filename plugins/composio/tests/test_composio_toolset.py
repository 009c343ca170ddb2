"""RSN-72, RSN-73: against a loopback fake that misbehaves in every way it can."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from symbi import Service, hookimpl
from symbi.contracts.approvals import Approval, Approvals
from symbi.contracts.errors import ConfigError, NotFound, PolicyDenied, RateLimited, SymbiError, Unavailable
from symbi.contracts.policy import Gate, action_hash
from symbi.kernel.points import TOOLS
from symbi.testing.clock import FakeClock
from symbi.testing.declarations import DeclarationContract
from symbi.testing.effects import effect_context
from symbi.testing.gates import FakeGate
from symbi.testing.kernels import open_kernel
from symbi_composio import plugin
from symbi_composio.toolset import digest_of

KEY = "sk-canary-5fQ2tLw8ZrXn0Kp7"
MAIL = {
    "name": "SEND_MAIL",
    "description": "Send.",
    "inputSchema": {"type": "object", "properties": {"to": {"type": "string"}}},
}


class TestDeclarations(DeclarationContract):
    plugin = plugin


class Fake:
    """Composio's endpoint: `tools` is the catalogue, `mood` how it misbehaves."""

    def __init__(self) -> None:
        self.tools: list[dict[str, Any]] = [MAIL]
        self.mood = ""
        self.url = ""
        self.asked: list[dict[str, Any]] = []
        self.headers = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.headers = head
        length = int(
            next(line.split(":")[1] for line in head.lower().split("\r\n") if line.startswith("content-length"))
        )
        body = json.loads(await reader.readexactly(length))
        self.asked.append(body)
        status, kind, text = self.answer(body)
        more = "location: http://127.0.0.1:1/\r\n" if status in (302, 307) else ""
        writer.write(
            f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\nconnection: close\r\nmcp-session-id: s1\r\n{more}\r\n".encode()
        )
        for start in range(0, len(text), 7 if self.mood == "splits" else 65536):
            writer.write(text[start : start + (7 if self.mood == "splits" else 65536)])
            with contextlib.suppress(ConnectionError):
                await writer.drain()
        writer.close()

    def answer(self, body: dict[str, Any]) -> tuple[int, str, bytes]:
        method, number = body["method"], body.get("id")
        if method == "tools/list":
            result: Any = {"tools": self.tools}
        elif method == "tools/call":
            result = {"content": [{"type": "text", "text": f"sent {body['params']['arguments']}"}]}
            if self.mood == "redirect":
                return 307, "text/plain", b""
            if self.mood == "giant":
                return 200, "application/json", b"x" * 300_000
            if self.mood == "no json":
                return 200, "application/json", b"{"
            if self.mood == "wrong id":
                number = 999
            if self.mood == "true id":
                number = True
            if self.mood == "error":
                result = {"isError": True, "content": [{"type": "text", "text": "no such address"}]}
        else:
            result = {"protocolVersion": "2025-06-18", "capabilities": {}}
        message = json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode()
        if self.mood == "splits":
            note = b'data: {"jsonrpc": "2.0", "method": "notifications/progress"}\r\n\r\n'
            return (
                200,
                "text/event-stream",
                b": hi\r\n\r\n" + note + b"event: message\r\ndata: " + message + b"\r\n\r\n",
            )
        return 200, "application/json", message


@pytest.fixture
async def fake() -> AsyncIterator[Fake]:
    made = Fake()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v3/mcp/x"
    yield made
    server.close()


class People:
    """Approvals that a test answers."""

    __name__ = "people"

    def __init__(self, status: str) -> None:
        self.status = status
        self.held: list[Approval] = []

    async def list(self, **more: Any) -> list[Approval]:
        return [each for each in self.held if each.status == more.get("status")]

    async def hold(self, request: Any, *, reason: str, group: str, policy_revision: str, **more: Any) -> Approval:
        made: Any = Approval(
            id=f"a{len(self.held)}", agent_id="", run_id=request.run_id, kind="tool_call", action=request.action, target=request.target,
            summary=reason, reason=reason, group=group, status=self.status, created_at="", expires_at="", action_hash=action_hash(request),
            policy_revision="", agent_revision="", requested_by="",
        )  # fmt: skip
        self.held.append(made)
        return made

    async def wait(self, approval_id: str) -> Approval:
        if self.status == "pending":
            await asyncio.sleep(60)
        return self.held[-1]

    @hookimpl
    def services(self) -> Any:
        for name, protocol, thing in (("approvals", Approvals, self), ("gate", Gate, FakeGate())):
            yield Service(name=name, provides=protocol, open=_opener(thing))


def _opener(thing: Any) -> Any:
    @contextlib.asynccontextmanager
    async def opened(config: Any, context: Any) -> AsyncIterator[Any]:
        yield thing

    return opened


@contextlib.asynccontextmanager
async def composio(
    folder: Path, fake: Fake, *, people: People | None = None, clock: Any = None, **more: Any
) -> AsyncIterator[Any]:
    table = {
        "url": fake.url,
        "hosts": ["127.0.0.1"],
        "allow_private": True,
        "tools": {"SEND_MAIL": digest_of(MAIL)},
        "max_body_bytes": 100_000,
        **more,
    }
    plugins = [plugin, *([people] if people else [])]
    async with (
        open_kernel(
            folder, plugins, tables={"plugins": {"composio": table}}, environ={"COMPOSIO_API_KEY": KEY}, clock=clock
        ) as kernel,
        kernel.open(TOOLS, "composio") as provider,
    ):
        yield provider


async def call(provider: Any, folder: Path, name: str = "SEND_MAIL", **arguments: Any) -> Any:
    return await provider.call(name, arguments or {"to": "a@example.com"}, run=effect_context(folder))


async def test_a_pinned_tool_is_offered_and_called(tmp_path: Path, fake: Fake):
    async with composio(tmp_path, fake) as provider:
        [spec] = await provider.tools()
        assert (spec.name, spec.server, spec.risk, spec.verified, spec.network) == (
            "SEND_MAIL",
            "composio",
            "high",
            False,
            True,
        )
        assert "a@example.com" in await call(provider, tmp_path)
        assert f"x-api-key: {KEY}" in fake.headers


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"tools": {}}, "plugins.composio.tools"),
        ({"hosts": ["backend.composio.dev"]}, "not one of the hosts"),
        ({"allow_private": False}, "only https"),
    ],
)
async def test_rsn_73_it_opens_only_when_it_is_safe(tmp_path: Path, fake: Fake, table: Any, words: str):
    with pytest.raises(ConfigError, match=words):
        async with composio(tmp_path, fake, **table):
            pass


def test_it_is_off_unless_named():
    [offer] = list(plugin.tools())
    assert offer.default is False


async def test_eleven_thousand_tools_are_not_eleven_thousand_offers(tmp_path: Path, fake: Fake):
    fake.tools = [MAIL, *({"name": f"T{number}", "inputSchema": {}} for number in range(11_000))]
    async with composio(tmp_path, fake, max_body_bytes=2_000_000) as provider:
        assert [spec.name for spec in await provider.tools()] == ["SEND_MAIL"]
        with pytest.raises(NotFound):
            await call(provider, tmp_path, "T7")
    fake.tools = [*fake.tools[1:], MAIL]
    async with composio(tmp_path, fake, max_body_bytes=2_000_000) as provider:
        assert await provider.tools() == []


async def test_a_changed_definition_is_blocked(tmp_path: Path, fake: Fake):
    fake.tools = [{**MAIL, "description": "Send, and copy the boss."}]
    async with composio(tmp_path, fake) as provider:
        assert await provider.tools() == []
        with pytest.raises(NotFound):
            await call(provider, tmp_path)


@pytest.mark.parametrize("mood", ["redirect", "giant", "no json", "wrong id", "true id", "error"])
async def test_hostile_answers_are_errors_of_ours_without_the_key(tmp_path: Path, fake: Fake, mood: str):
    async with composio(tmp_path, fake) as provider:
        await provider.tools()
        fake.mood = mood
        with pytest.raises(SymbiError) as caught:
            await call(provider, tmp_path)
        assert KEY not in f"{caught.value} {caught.value!r}"


async def test_events_in_pieces_are_read_whole(tmp_path: Path, fake: Fake):
    fake.mood = "splits"
    async with composio(tmp_path, fake) as provider:
        assert "sent" in await call(provider, tmp_path)


async def test_the_rate_is_a_bucket_that_fills_evenly(tmp_path: Path, fake: Fake):
    clock = FakeClock()
    async with composio(tmp_path, fake, clock=clock, max_calls_per_minute=2) as provider:
        await call(provider, tmp_path)
        await call(provider, tmp_path)
        with pytest.raises(RateLimited):
            await call(provider, tmp_path)
        await clock.advance(31)
        await call(provider, tmp_path)
        with pytest.raises(RateLimited):
            await call(provider, tmp_path)


async def test_approval_globs_hold_each_call(tmp_path: Path, fake: Fake):
    people = People("approved")
    async with composio(tmp_path, fake, people=people, require_approval=["SEND_*"]) as provider:
        await call(provider, tmp_path)
        assert len(people.held) == 1
        people.status = "denied"
        with pytest.raises(PolicyDenied, match="not approved"):
            await call(provider, tmp_path)
        people.status = "pending"
    async with composio(tmp_path, fake, people=people, require_approval=["SEND_*"], approval_seconds=0.05) as provider:
        people.held.clear()
        with pytest.raises(SymbiError, match="call it again"):
            await call(provider, tmp_path)
        import msgspec

        people.held[0] = msgspec.structs.replace(people.held[0], status="approved")
        assert "sent" in await call(provider, tmp_path)
        with pytest.raises(SymbiError, match="call it again"):
            await call(provider, tmp_path)
    async with composio(tmp_path, fake, require_approval=["SEND_*"]) as provider:
        with pytest.raises(PolicyDenied, match="nobody can give it"):
            await call(provider, tmp_path)


async def test_a_silent_endpoint_is_given_up(tmp_path: Path, fake: Fake):
    async with composio(tmp_path, fake, url="http://127.0.0.1:1/x", timeout_seconds=1) as provider:
        with pytest.raises(Unavailable):
            await provider.tools()
