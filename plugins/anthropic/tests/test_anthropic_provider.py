"""RSN-20 … RSN-28 of the provider `anthropic`, against a scripted server on loopback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.models import ChatMessage, ChatRequest, ModelUnavailable, ToolCall, collect
from symbi.kernel.points import LLM_PROVIDERS
from symbi.testing.declarations import DeclarationContract
from symbi.testing.kernels import open_kernel
from symbi.testing.models import CANARY_KEY, ChatModelContract, Reply, scripted_models
from symbi_anthropic import plugin
from symbi_anthropic.wire import parameters_of


class TestDeclarations(DeclarationContract):
    plugin = plugin


class TestAnthropic(ChatModelContract):
    plugin = plugin
    name = "anthropic"
    environ = {"ANTHROPIC_API_KEY": CANARY_KEY}

    def tables(self, url: str) -> dict[str, Any]:
        return {"plugins": {"anthropic": {"base_url": url, "allow_local": True, "retry": {"first_seconds": 0.001}}}}


async def ask(folder: Path, **table: Any) -> Any:
    request = ChatRequest(messages=(ChatMessage(role="user", content="hi"),))
    async with (
        open_kernel(folder, [plugin], tables={"plugins": {"anthropic": table}}) as kernel,
        kernel.open(LLM_PROVIDERS, "anthropic") as model,
    ):
        return await collect(model.stream(request))


async def test_rsn_20_without_a_key_the_remedy_is_named(tmp_path: Path):
    with pytest.raises(ModelUnavailable, match="ANTHROPIC_API_KEY"):
        await ask(tmp_path)


async def test_rsn_26_local_servers_only_by_permission(tmp_path: Path):
    async with scripted_models([Reply(text="never")]) as server:
        with pytest.raises(ModelUnavailable, match="allow_local"):
            await ask(tmp_path, base_url=server.url, api_key="k")
        with pytest.raises(ModelUnavailable, match="public"):
            await ask(tmp_path, base_url="https://127.0.0.1:1", api_key="k")
        assert server.requests == []


async def test_a_refusal_ends_as_one(tmp_path: Path):
    async with scripted_models([Reply(text="No.", refusal="no")]) as server:
        assert (await ask(tmp_path, base_url=server.url, allow_local=True)).end.finish == "refusal"


def test_results_of_tools_are_one_message_of_the_user_and_broken_arguments_an_empty_object():
    calls = (ToolCall(id="a", name="x", arguments="{"), ToolCall(id="b", name="x", arguments='{"n": 1}'))
    messages = (
        ChatMessage(role="system", content="be kind"),
        ChatMessage(role="user", content="go"),
        ChatMessage(role="assistant", tool_calls=calls),
        ChatMessage(role="tool", content="1", tool_call_id="a"),
        ChatMessage(role="tool", content="2", tool_call_id="b"),
    )
    sent = parameters_of(ChatRequest(messages=messages, tool_choice="required"), model="m", max_tokens=9, cache=True)
    assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "user"]
    assert [block["input"] for block in sent["messages"][1]["content"]] == [{}, {"n": 1}]
    assert [block["tool_use_id"] for block in sent["messages"][2]["content"]] == ["a", "b"]
    assert sent["system"] == [{"type": "text", "text": "be kind", "cache_control": {"type": "ephemeral"}}]
    assert sent["max_tokens"] == 9


def test_the_sdk_is_loaded_at_the_first_request_only():
    code = "import sys, symbi_anthropic.provider; sys.exit('anthropic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
