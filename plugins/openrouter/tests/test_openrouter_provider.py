"""RSN-20 … RSN-28 of the providers `openrouter` and `openai`, against a scripted server on loopback."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbi.contracts.model_retries import RetryPolicy, parse_retry_after, retried
from symbi.contracts.models import (
    ChatEnd,
    ChatMessage,
    ChatRequest,
    ContextOverflow,
    ModelError,
    ModelUnavailable,
    TextDelta,
    collect,
)
from symbi.kernel.points import LLM_PROVIDERS
from symbi.testing.clock import FakeClock
from symbi.testing.declarations import DeclarationContract
from symbi.testing.kernels import open_kernel
from symbi.testing.models import CANARY_KEY, ChatModelContract, Reply, scripted_models
from symbi_openrouter import plugin
from symbi_openrouter.sse import data_of

ASK = ChatRequest(messages=(ChatMessage(role="user", content="hi"),))
FAST = {"first_seconds": 0.001}


class TestDeclarations(DeclarationContract):
    plugin = plugin


class TestOpenRouter(ChatModelContract):
    plugin = plugin
    name = "openrouter"
    environ = {"OPENROUTER_API_KEY": CANARY_KEY}

    def tables(self, url: str) -> dict[str, Any]:
        return {"plugins": {"openrouter": {"base_url": url, "allow_local": True, "retry": FAST}}}


class TestOpenAI(ChatModelContract):
    plugin = plugin
    name = "openai"
    environ = {"OPENAI_API_KEY": CANARY_KEY}

    def tables(self, url: str) -> dict[str, Any]:
        return {"plugins": {"openai": {"base_url": url, "allow_local": True, "retry": FAST}}}


async def ask(folder: Path, server: Any, name: str = "openrouter", environ: Any = None, **table: Any) -> Any:
    settings = {"allow_local": True, "retry": FAST, **table}
    if server is not None:
        settings["base_url"] = server.url
    async with (
        open_kernel(folder, [plugin], tables={"plugins": {name: settings}}, environ=environ) as kernel,
        kernel.open(LLM_PROVIDERS, name) as model,
    ):
        return await collect(model.stream(ASK))


async def test_rsn_20_the_seeds_names_and_default_model(tmp_path):
    async with open_kernel(tmp_path, [plugin]) as kernel, kernel.open(LLM_PROVIDERS, "openrouter") as model:
        assert model.default_model == "google/gemini-2.0-flash-001"
    async with scripted_models([Reply(text="ok")]) as server:
        environ = {"OPENROUTER_API_KEY": "k", "OPENROUTER_MODEL": "some/model", "OPENROUTER_BASE_URL": server.url}
        await ask(tmp_path, None, environ=environ)
        assert server.requests[0]["model"] == "some/model"
        assert server.headers[0]["authorization"] == "Bearer k"
        assert server.requests[0]["usage"] == {"include": True}


async def test_rsn_20_without_a_key_the_remedy_is_named(tmp_path):
    with pytest.raises(ModelUnavailable, match="OPENROUTER_API_KEY"):
        await ask(tmp_path, None, allow_local=False)


async def test_a_local_server_needs_no_key(tmp_path):
    async with scripted_models([Reply(text="ok")]) as server:
        assert (await ask(tmp_path, server, "openai")).text == "ok"
        assert "authorization" not in server.headers[0]


async def test_rsn_26_local_servers_only_by_permission(tmp_path):
    async with scripted_models([Reply(text="never")]) as server:
        with pytest.raises(ModelUnavailable, match="allow_local"):
            await ask(tmp_path, server, allow_local=False, api_key="k")
        assert server.requests == []
        with pytest.raises(ModelUnavailable, match="public"):
            await ask(tmp_path, None, allow_local=False, api_key="k", base_url="https://127.0.0.1/v1")
        answer = await ask(tmp_path, server, allow_local=False, environ={"SYMBIONT_ALLOW_LOCAL_INFERENCE": "1"})
        assert answer.text == "never"


async def test_rsn_22_not_after_the_first_piece_unless_asked(tmp_path):
    broken = Reply(text="Half", error={"message": "x", "code": 502})
    async with scripted_models([broken, Reply(text="whole")]) as server:
        answer = await ask(tmp_path, server, retry={**FAST, "after_text": True})
        assert answer.text.endswith("whole")
        assert answer.end.attempts == 2


async def test_rsn_24_context_overflow_has_a_type_of_its_own(tmp_path):
    async with scripted_models(
        [Reply(status=400, message="This model's maximum context length is 8192 tokens")]
    ) as server:
        with pytest.raises(ContextOverflow):
            await ask(tmp_path, server)


async def test_rsn_23_missing_usage_is_marked_as_an_estimate(tmp_path):
    async with scripted_models([Reply(text="word " * 33, usage=None)]) as server:
        usage = (await ask(tmp_path, server)).end.usage
        assert usage.estimated
        assert usage.completion_tokens == pytest.approx(50, abs=3)


async def test_rsn_23_usage_has_cost_cached_and_reasoning(tmp_path):
    figures = {
        "prompt_tokens": 10, "completion_tokens": 5, "cost": 0.25,
        "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 2},
    }  # fmt: skip
    async with scripted_models([Reply(text="x", usage=figures)]) as server:
        usage = (await ask(tmp_path, server)).end.usage
        assert (usage.cached_tokens, usage.reasoning_tokens, usage.cost_usd, usage.total_tokens) == (4, 2, 0.25, 15)


async def test_a_refusal_and_an_empty_answer_are_told_apart(tmp_path):
    async with scripted_models([Reply(refusal="I will not."), Reply(text="")]) as server:
        refused = await ask(tmp_path, server)
        assert (refused.end.finish, refused.text) == ("refusal", "I will not.")
        empty = await ask(tmp_path, server)
        assert (empty.end.finish, empty.text, empty.tool_calls) == ("stop", "", ())


def test_retry_after_in_seconds_and_as_a_date():
    now = FakeClock().now()
    assert parse_retry_after("7", now) == 7
    assert parse_retry_after("Thu, 01 Jan 2026 00:00:30 GMT", now) == 30
    assert parse_retry_after("Wed, 31 Dec 2025 00:00:30 GMT", now) == 0
    assert parse_retry_after("soon", now) is None
    assert parse_retry_after(None, now) is None


async def test_rsn_22_delays_with_a_clock_of_our_own():
    """Full jitter: delays in range, attempts counted, the deadline covers the waits."""
    slept: list[float] = []

    class Clock(FakeClock):
        async def sleep(self, seconds: float) -> None:
            slept.append(seconds)
            self._move(self._monotonic + seconds)

    async def failing():
        raise ModelError("busy", retryable=True)
        yield TextDelta(text="")

    clock = Clock()
    with pytest.raises(ModelError, match="busy"):
        await collect(retried(failing, policy=RetryPolicy(), clock=clock, random=Random(1), timeout_seconds=100))
    assert len(slept) == 3
    assert all(0 <= wait <= 0.5 * 2**number for number, wait in enumerate(slept))

    async def later():
        raise ModelError("busy", retryable=True, retry_after=1000)
        yield TextDelta(text="")

    slept.clear()
    with pytest.raises(ModelError):
        await collect(retried(later, policy=RetryPolicy(retries=5), clock=clock, random=Random(1), timeout_seconds=150))
    assert len(slept) == 2
    assert all(60 <= wait <= 61 for wait in slept)


@given(
    st.lists(st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b" ").replace(b"\r", b" ")), max_size=5),
    st.integers(1, 7),
)
async def test_sse_is_read_whole_however_it_is_cut(payloads, size):
    text = b"".join(b": comment\r\n\r\ndata: " + payload + b"\r\n\r\n" for payload in payloads)

    async def pieces():
        for start in range(0, len(text), size):
            yield text[start : start + size]

    assert [data async for data in data_of(pieces())] == payloads


async def test_sse_joins_lines_and_bounds_events():
    async def two():
        yield b"data: a\ndata: b\n\n"

    assert [data async for data in data_of(two())] == [b"a\nb"]

    async def endless():
        for _ in range(100):
            yield b"data: " + b"x" * 100

    with pytest.raises(ModelError, match="more than"):
        [data async for data in data_of(endless(), most_bytes=1000)]


async def test_the_end_is_a_chat_end_with_the_model_that_answered(tmp_path):
    async with scripted_models([Reply(text="x", model="other/model")]) as server:
        end = (await ask(tmp_path, server)).end
        assert isinstance(end, ChatEnd)
        assert (end.model, end.provider, end.response_id) == ("other/model", "openrouter", "gen-1")
