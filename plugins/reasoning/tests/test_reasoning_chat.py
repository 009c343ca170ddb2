"""Conversations over HTTP and at the command line, and `reason(…)` in programs; through the whole application."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from symbi.testing.apps import App, open_app
from symbi.testing.models import Reply


@contextlib.asynccontextmanager
async def application(folder: Path, world: Any, **tables: Any) -> AsyncIterator[App]:
    from conftest import StandIns

    settings = {"llm": {"provider": "scripted"}, "execution": {"executor": "inline"}, **tables}
    names = ["symbi_runs.plugin", "symbi_process.plugin", "symbi_reasoning.plugin", StandIns(world)]
    async with open_app(folder, names, tables=settings) as app:
        yield app


@pytest.fixture
async def app(tmp_path: Path, world: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    async with application(tmp_path, world) as opened:
        yield opened


def parsed(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":") and ": " in line)
        if "data" in lines:
            found.append((lines.get("event", ""), json.loads(lines["data"])))
    return found


async def say(app: App, message: str, *, agent: str = "helper", thread: str | None = None) -> list[tuple[str, Any]]:
    body = {"message": message, "thread": thread}
    answer = await app.client.post(f"/chat/{agent}", json=body, headers={"accept": "text/event-stream"})
    assert answer.status_code == 200, answer.text
    return parsed(answer.text)


async def test_a_conversation_streams_and_remembers(app: App, world: Any) -> None:
    world.script = [Reply(calls=(("echo", {"n": 1}),)), Reply(text="It is one."), Reply(text="You asked for one.")]
    events = await say(app, "give me one")
    names = [name for name, _ in events]
    assert names[0] == "open"
    assert names[-1] == "done"
    assert "".join(data["text"] for name, data in events if name == "chunk") == "It is one."
    assert [(data["action"], data["decision"]) for name, data in events if name == "decision"] == [
        ("tool_call", "allow")
    ]
    assert [data["name"] for name, data in events if name == "result"] == ["echo"]
    done = events[-1][1]
    assert (done["status"], done["answer"]) == ("completed", "It is one.")
    again = await say(app, "what did I ask for?", thread=done["thread"])
    assert again[-1][1]["answer"] == "You asked for one."
    assert world.conversation()[1:] == [
        ("user", "give me one"),
        ("assistant", "It is one."),
        ("user", "what did I ask for?"),
    ]
    threads = (await app.client.get("/chat/threads")).json()["threads"]
    assert [(each["agent"], each["title"]) for each in threads] == [("helper", "give me one")]
    shown = (await app.client.get(f"/chat/threads/{done['thread']}")).json()
    assert [(turn["message"], turn["answer"], turn["status"]) for turn in shown["turns"]][1] == (
        "what did I ask for?",
        "You asked for one.",
        "completed",
    )


async def test_a_conversation_outlives_the_runtime(tmp_path: Path, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    world.script = [Reply(text="Hello."), Reply(text="Hello again.")]
    async with application(tmp_path, world) as app:
        thread = (await say(app, "hi"))[-1][1]["thread"]
    async with application(tmp_path, world) as app:
        await say(app, "hi again", thread=thread)
    assert ("assistant", "Hello.") in world.conversation()


async def test_without_a_stream_the_run_to_follow_is_named(app: App, world: Any) -> None:
    world.script = [Reply(text="Hello.")]
    head = (await app.client.post("/chat/helper", json={"message": "hi"})).json()
    assert set(head) == {"thread", "turn", "run_id", "agent"}
    events = await app.client.get(f"/runs/{head['run_id']}/events", headers={"accept": "text/event-stream"})
    assert "Hello." in events.text


async def test_what_is_wrong_is_said(app: App, world: Any) -> None:
    assert (await app.anonymous.post("/chat/helper", json={"message": "hi"})).status_code == 401
    assert (await app.client.post("/chat/nobody", json={"message": "hi"})).status_code == 404
    assert (await app.client.post("/chat/helper", json={"message": " "})).status_code == 400
    assert (await app.client.post("/chat/helper", json={"message": "hi", "thread": "no-such"})).status_code == 404
    world.gate.allow = ["reason*"]
    assert (await app.client.post("/chat/helper", json={"message": "hi"})).status_code == 403


async def test_one_message_at_a_time(app: App, world: Any) -> None:
    world.script = [Reply(text="slow", delay=0.5), Reply(text="next")]
    first = (await app.client.post("/chat/helper", json={"message": "hi"})).json()
    busy = await app.client.post("/chat/helper", json={"message": "and?", "thread": first["thread"]})
    assert (busy.status_code, busy.json()["code"]) == (409, "CHAT_BUSY")


async def test_a_thread_is_its_owners_alone(app: App, world: Any) -> None:
    """Another's session named in a run gives no history."""
    from symbi.contracts.principal import Principal
    from symbi.contracts.runs import RunOptions, RunService

    world.script = [Reply(text="my secret is 7"), Reply(text="nothing")]
    thread = (await say(app, "tell me"))[-1][1]["thread"]
    runs: Any = app.kernel.services.get(RunService)
    other = Principal(id="key:other", kind="key", scopes=frozenset({"runs"}), agents=frozenset({"id-helper"}))
    run = await runs.start("helper", "what was said?", principal=other, options=RunOptions(session=f"chat:{thread}"))
    await runs.wait(run.run_id, timeout=5)
    assert "secret" not in str(world.asked[-1].messages)


def test_a_ticket_is_good_once_and_for_half_a_minute() -> None:
    from symbi.contracts.principal import LOCAL_ADMIN
    from symbi_reasoning.chat.tickets import Tickets

    now = [0.0]
    tickets = Tickets(lambda: now[0])
    word = tickets.give(LOCAL_ADMIN, "a", None)
    assert tickets.take("other") is None
    assert tickets.take(word).agent_id == "a"  # type: ignore[union-attr]
    assert tickets.take(word) is None
    word = tickets.give(LOCAL_ADMIN, "a", None)
    now[0] = 31
    assert tickets.take(word) is None


class Peer:
    """A WebSocket client in process: speaks ASGI."""

    def __init__(self, app: Any, path: str, query: str) -> None:
        import asyncio

        self.inbox: Any = asyncio.Queue()
        self.outbox: Any = asyncio.Queue()
        scope = {
            "type": "websocket", "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "scheme": "ws",
            "headers": [(b"host", b"127.0.0.1:8080")], "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 8080), "subprotocols": [],
            "asgi": {"version": "3.0"}, "http_version": "1.1",
        }  # fmt: skip
        self.inbox.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.ensure_future(app(scope, self.inbox.get, self.outbox.put))

    def say(self, **frame: Any) -> None:
        self.inbox.put_nowait({"type": "websocket.receive", "text": json.dumps(frame)})

    async def hear(self) -> dict[str, Any]:
        import asyncio

        async with asyncio.timeout(10):
            message = await self.outbox.get()
        return json.loads(message["text"]) if "text" in message else message


async def test_a_conversation_over_a_websocket(app: App, world: Any) -> None:
    world.script = [Reply(calls=(("echo", {"n": 1}),)), Reply(text="It is one."), Reply(text="Again.")]
    inner = app.client._transport.app  # type: ignore[attr-defined]
    refused = Peer(inner, "/ws/chat", "ticket=guess")
    assert (await refused.hear())["type"] in ("websocket.close", "websocket.http.response.start")
    answer = await app.client.post("/chat/tickets", json={"agent": "helper"})
    assert answer.status_code == 201
    peer = Peer(inner, "/ws/chat", f"ticket={answer.json()['ticket']}")
    assert (await peer.hear())["type"] == "websocket.accept"
    assert (await peer.hear())["type"] == "Pong"
    peer.say(type="Ping")
    assert (await peer.hear())["type"] == "Pong"
    peer.say(type="Nonsense")
    assert (await peer.hear())["code"] == "PARSE_ERROR"
    peer.say(type="ChatSend", id="m1", content="one please")
    heard = []
    while not (heard and heard[-1].get("done")):
        heard.append(await peer.hear())
    assert [each["type"] for each in heard][:2] == ["ToolCallStarted", "ToolCallResult"]
    assert heard[0]["call_id"] == heard[1]["call_id"]
    assert "".join(each["content"] for each in heard if each["type"] == "ChatChunk") == "It is one."
    assert {each["request_id"] for each in heard} == {"m1"}
    peer.say(type="ChatSend", id="m2", content="again")
    while not (await peer.hear()).get("done"):
        pass
    assert ("assistant", "It is one.") in world.conversation()
    peer.inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await peer.task
    assert (await app.anonymous.post("/chat/tickets", json={"agent": "helper"})).status_code == 401
