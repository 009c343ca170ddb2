"""A scripted model provider that speaks the real wire on loopback, and the contract of providers.

The server answers `POST …/chat/completions` as OpenAI and OpenRouter do and `POST …/messages` as Anthropic does: server-sent events, comment lines,
pieces of tool calls, usage at the end, errors before and after the first byte.

    async with scripted_models([Reply(text="Hello"), Reply(status=429, retry_after="1")]) as server:
        ...  # point a provider at server.url
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from symbi.contracts.models import (
    ChatEnd,
    ChatMessage,
    ChatModel,
    ChatRequest,
    ModelError,
    ModelTool,
    TextDelta,
    ToolCall,
    collect,
)
from symbi.kernel.points import LLM_PROVIDERS
from symbi.testing.kernels import open_kernel
from symbi.testing.model_wire import anthropic_events, openai_events

__all__ = ["CANARY_KEY", "ChatModelContract", "Reply", "ScriptedModels", "scripted_models"]

CANARY_KEY = "sk-canary-5fQ2tLw8ZrXn0Kp7"
"""A key that must never be seen in anything that the runtime writes or answers."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What the server answers once.

    `calls` are `(name, arguments)`, arguments as JSON or as raw text; `pieces` is in how many parts text and arguments come, `pause` the seconds
    between parts. `error` breaks the stream with an error event after the parts, `cut` closes the connection there. `status` other than 200 answers
    with a plain error. `usage` None leaves it out. `call_ids` replaces the ids of the calls.
    """

    text: str = ""
    calls: tuple[tuple[str, Any], ...] = ()
    call_ids: tuple[str, ...] = ()
    finish: str = ""
    pieces: int = 3
    pause: float = 0.0
    delay: float = 0.0
    """Seconds before the head of the answer."""
    comments: bool = True
    error: Mapping[str, Any] | None = None
    cut: bool = False
    status: int = 200
    retry_after: str | None = None
    message: str = "scripted failure"
    usage: Mapping[str, Any] | None = msgspec.field(
        default_factory=lambda: {"prompt_tokens": 11, "completion_tokens": 7, "cost": 0.0001}
    )
    model: str = ""
    refusal: str = ""


Script = Callable[[dict[str, Any]], Reply]


class ScriptedModels:
    """The server: `url` is what to configure, `requests` what was asked, `broken_off` how many clients left in the middle of an answer."""

    def __init__(self, script: Iterable[Reply] | Script) -> None:
        self.url = ""
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.broken_off = 0
        self.open = 0
        self._script = script if callable(script) else None
        self.replies: list[Reply] = [] if callable(script) else list(script)

    def next(self, body: dict[str, Any]) -> Reply:
        """Return the reply to a request; a script that is over answers 400, which nobody tries again."""
        if self._script is not None:
            return self._script(body)
        return self.replies.pop(0) if self.replies else Reply(status=400, message="the script is over")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                path, headers, body = await _read(reader)
                self.requests.append(body)
                self.headers.append(headers)
                reply = self.next(body)
                gone = asyncio.ensure_future(_gone(reader))
                answer = asyncio.ensure_future(self._answer(path, body, reply, writer))
                self.open += 1
                try:
                    await asyncio.wait({gone, answer}, return_when=asyncio.FIRST_COMPLETED)
                    if not answer.done():
                        self.broken_off += 1
                        answer.cancel()
                    await asyncio.gather(answer, return_exceptions=True)
                finally:
                    self.open -= 1
                    gone.cancel()
                break
        writer.close()

    async def _answer(self, path: str, body: dict[str, Any], reply: Reply, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(reply.delay)
        if reply.status != 200:
            error: dict[str, Any] = {"error": {"message": reply.message, "code": reply.status, "type": "scripted"}}
            more = f"retry-after: {reply.retry_after}\r\n" if reply.retry_after is not None else ""
            await _plain(writer, reply.status, json.dumps(error).encode(), more)
            return
        kind = anthropic_events if path.endswith("/messages") else openai_events
        head = (
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\nx-generation-id: gen-1\r\n\r\n"
        )
        writer.write(head)
        for event in kind(body, reply):
            writer.write(event)
            await writer.drain()
            if reply.pause:
                await asyncio.sleep(reply.pause)
        writer.write_eof()


@asynccontextmanager
async def scripted_models(script: Iterable[Reply] | Script = ()) -> AsyncIterator[ScriptedModels]:
    """Serve the script on loopback until the block ends."""
    models = ScriptedModels(script)
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await models.serve(reader, writer)
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=1 << 24)
    models.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield models
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], dict[str, Any]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return first.split(" ")[1].partition("?")[0], headers, json.loads(body or b"{}")


async def _gone(reader: asyncio.StreamReader) -> None:
    while await reader.read(4096):
        pass


async def _plain(writer: asyncio.StreamWriter, status: int, body: bytes, more: str) -> None:
    head = f"HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n{more}\r\n"
    writer.write(head.encode("latin-1") + body)
    await writer.drain()
    writer.write_eof()


WEATHER = ModelTool(
    name="get_weather",
    description="The weather of a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


class ChatModelContract:
    """What every model provider must do; subclass it with `plugin`, `name` and `tables(url)`."""

    plugin: Any
    """The plugin module."""
    name: str
    """The provider's name."""
    environ: Mapping[str, str] = {}
    """The environment that gives it its key (`CANARY_KEY`)."""

    def tables(self, url: str) -> dict[str, Any]:
        """Return the settings that point the provider at the scripted server."""
        raise AssertionError("say how the provider is pointed at a server")

    @asynccontextmanager
    async def opened(
        self, folder: Path, script: Iterable[Reply] | Script
    ) -> AsyncIterator[tuple[ChatModel, ScriptedModels]]:
        """Open the provider against a scripted server."""
        async with (
            scripted_models(script) as server,
            open_kernel(folder, [self.plugin], tables=self.tables(server.url), environ=self.environ) as kernel,
            kernel.open(LLM_PROVIDERS, self.name) as model,
        ):
            yield model, server

    async def test_rsn_21_an_answer_streams_and_ends(self, tmp_path: Path) -> None:
        """Text comes in pieces, comment lines are no text, the last event is the end with its usage."""
        async with self.opened(tmp_path, [Reply(text="Hello there", pieces=3)]) as (model, server):
            events = [event async for event in model.stream(_ask())]
            pieces = [event.text for event in events if isinstance(event, TextDelta)]
            assert len(pieces) > 1
            assert "".join(pieces) == "Hello there"
            end = events[-1]
            assert isinstance(end, ChatEnd)
            assert (end.finish, end.usage.prompt_tokens, end.usage.completion_tokens, end.usage.estimated) == (
                "stop",
                11,
                7,
                False,
            )
            assert server.requests[0]["model"]

    async def test_rsn_21_tool_calls_come_whole(self, tmp_path: Path) -> None:
        """Pieces of several calls, with text beside them, make whole calls."""
        reply = Reply(
            text="Looking.", calls=(("get_weather", {"city": "Berlin"}), ("get_weather", {"city": "Bonn"})), pieces=4
        )
        async with self.opened(tmp_path, [reply]) as (model, server):
            result = await collect(model.stream(_ask(tools=(WEATHER,))))
            assert [(call.name, json.loads(call.arguments)) for call in result.tool_calls] == [
                ("get_weather", {"city": "Berlin"}),
                ("get_weather", {"city": "Bonn"}),
            ]
            assert (result.text, result.end.finish) == ("Looking.", "tool_calls")
            assert len({call.id for call in result.tool_calls}) == 2
            assert "get_weather" in json.dumps(server.requests[0]["tools"])

    async def test_rsn_28_results_of_tools_go_back(self, tmp_path: Path) -> None:
        """A conversation with calls and results is sent; empty content beside calls is never null."""
        history = (
            ChatMessage(role="user", content="weather?"),
            ChatMessage(
                role="assistant", tool_calls=(ToolCall(id="c1", name="get_weather", arguments='{"city": "Bonn"}'),)
            ),
            ChatMessage(role="tool", content="rain", tool_call_id="c1", name="get_weather"),
        )
        async with self.opened(tmp_path, [Reply(text="It rains.")]) as (model, server):
            result = await collect(model.stream(ChatRequest(messages=history, tools=(WEATHER,))))
            assert result.text == "It rains."
            sent = server.requests[0]["messages"]
            assert "rain" in json.dumps(sent)
            assert all(message["content"] is not None for message in sent)

    async def test_rsn_22_what_may_be_retried_is(self, tmp_path: Path) -> None:
        """503 and 429 are tried again, Retry-After is honoured; the attempts are counted."""
        script = [Reply(status=503), Reply(status=429, retry_after="0"), Reply(text="ok")]
        async with self.opened(tmp_path, script) as (model, server):
            result = await collect(model.stream(_ask()))
            assert (result.text, len(server.requests)) == ("ok", 3)

    @pytest.mark.parametrize("status", [400, 401, 402, 403])
    async def test_rsn_22_what_may_not_be_retried_is_not(self, tmp_path: Path, status: int) -> None:
        """A wrong request, key, balance or right is an error at once, with its status."""
        async with self.opened(tmp_path, [Reply(status=status), Reply(text="never")]) as (model, server):
            with pytest.raises(ModelError) as caught:
                await collect(model.stream(_ask()))
            assert (caught.value.status, caught.value.retryable, len(server.requests)) == (status, False, 1)

    async def test_rsn_21_an_error_after_the_start_keeps_the_text(self, tmp_path: Path) -> None:
        """An error event under HTTP 200 is an error that carries what had come, and is not tried again."""
        script = [Reply(text="Half of", error={"message": "upstream died", "code": 502}), Reply(text="never")]
        async with self.opened(tmp_path, script) as (model, server):
            with pytest.raises(ModelError) as caught:
                await collect(model.stream(_ask()))
            assert (caught.value.partial, len(server.requests)) == ("Half of", 1)

    async def test_rsn_21_a_connection_that_is_cut_is_an_error(self, tmp_path: Path) -> None:
        """A stream that stops without an end is no answer."""
        async with self.opened(tmp_path, [Reply(text="Half of", cut=True)]) as (model, _):
            with pytest.raises(ModelError) as caught:
                await collect(model.stream(_ask()))
            assert caught.value.partial == "Half of"

    async def test_rsn_21_closing_closes_the_socket(self, tmp_path: Path) -> None:
        """Within a second the server sees the client leave."""
        async with self.opened(tmp_path, [Reply(text="a b c d e f g h", pieces=8, pause=0.5)]) as (model, server):
            stream: Any = model.stream(_ask())
            await anext(stream)
            await stream.aclose()
            async with asyncio.timeout(1):
                while not server.broken_off:  # noqa: ASYNC110  # the server's thread sets no event of ours
                    await asyncio.sleep(0.01)

    async def test_rsn_22_the_deadline_covers_everything(self, tmp_path: Path) -> None:
        """A provider that never answers is given up in the request's time."""
        async with self.opened(tmp_path, [Reply(text="late", delay=30)]) as (model, _):
            async with asyncio.timeout(5):
                with pytest.raises(ModelError):
                    await collect(model.stream(_ask(timeout_seconds=0.3)))

    async def test_rsn_25_the_key_is_in_no_error_and_no_repr(self, tmp_path: Path) -> None:
        """A canary key is sent to the provider and shown nowhere else."""
        async with self.opened(tmp_path, [Reply(status=401, message=f"bad key {CANARY_KEY}")]) as (model, server):
            with pytest.raises(ModelError) as caught:
                await collect(model.stream(_ask()))
            assert CANARY_KEY in json.dumps(server.headers)
            assert CANARY_KEY not in f"{caught.value} {caught.value!r} {caught.value.details} {model!r} {vars(model)!r}"


def _ask(**more: Any) -> ChatRequest:
    return ChatRequest(messages=(ChatMessage(role="user", content="hi"),), **more)
