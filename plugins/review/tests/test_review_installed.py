"""Issue 10, part 4: installed packages are verified, fenced by their permissions, pinned (TR-18)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from symbi.contracts.errors import Conflict, InvalidRequest, PolicyDenied
from symbi_review.installed.functions import functions_of
from symbi_review.installed.toolset import SignedToolset

SOURCE = '''
import os


def shout(text: str, times: int = 1) -> str:
    """Says it loudly."""
    return text.upper() * times


def peek(path: str) -> str:
    with open(path) as handle:
        return handle.read()


def home() -> str:
    return os.environ.get("REGION", "none") + os.environ.get("SECRET_TOKEN", "")


async def later() -> int:
    return 7


def broken() -> None:
    raise ValueError("on purpose")


def spawn() -> int:
    return os.system("true")
'''


async def signed(
    desk: Any,
    source: str = SOURCE,
    *,
    name: str = "loud",
    version: str = "1.0.0",
    permissions: tuple[str, ...] = (),
    description: str = "d",
) -> str:
    metadata = {"description": description, "author": "alice", "permissions": list(permissions)}
    review_id = await desk.submit(source, name=name, tool_version=version, metadata=metadata)
    await desk.until(review_id, "signed")
    content = (await desk.as_("alice").get(f"/signing/{review_id}/download")).content
    return base64.b64encode(content).decode()


async def install(desk: Any, content: str) -> dict[str, Any]:
    answer = await desk.as_("root", "tool:admin").post("/signing/installed", {"content": content})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
def toolset(desk: Any) -> SignedToolset:
    return SignedToolset(desk.service.context)


async def test_an_installed_tool_can_be_called(desk: Any, toolset: SignedToolset) -> None:
    await install(desk, await signed(desk))
    specs = {spec.name: spec for spec in await toolset.tools()}
    assert specs["loud_shout"].verified
    assert specs["loud_shout"].parameters["required"] == ["text"]
    assert await toolset.call("loud_shout", {"text": "a", "times": 2}, run=None) == "AA"
    assert await toolset.call("loud_later", {}, run=None) == 7
    with pytest.raises(InvalidRequest, match="on purpose"):
        await toolset.call("loud_broken", {}, run=None)


async def test_the_fence_refuses_what_was_not_approved(
    desk: Any, toolset: SignedToolset, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.service.context.settings.environ.update({"REGION": "eu", "SECRET_TOKEN": "do-not-show"})
    await install(desk, await signed(desk, permissions=("env.read:REGION",)))
    with pytest.raises(PolicyDenied, match=r"fs\.read"):
        await toolset.call("loud_peek", {"path": "/etc/passwd"}, run=None)
    with pytest.raises(PolicyDenied, match=r"process\.spawn"):
        await toolset.call("loud_spawn", {}, run=None)
    assert await toolset.call("loud_home", {}, run=None) == "eu"
    await install(desk, await signed(desk, name="reader", permissions=("fs.read",)))
    assert "root" in await toolset.call("reader_peek", {"path": "/etc/passwd"}, run=None)


async def test_a_changed_package_is_not_installed(desk: Any) -> None:
    content = base64.b64decode(await signed(desk))
    broken = base64.b64encode(content.replace(b"loudly", b"softly")).decode()
    answer = await desk.as_("root", "tool:admin").post("/signing/installed", {"content": broken})
    assert answer.status_code == 400
    assert (await desk.as_("alice").post("/signing/installed", {"content": broken})).status_code == 403


async def test_a_changed_face_is_blocked_unless_it_follows_the_pinned_version(
    desk: Any, toolset: SignedToolset
) -> None:
    first = await signed(desk, "def f(a: str):\n    return a\n", name="pin")
    await install(desk, first)
    second = await signed(desk, "def f(a: str):\n    return a\n", name="pin", version="1.1.0", description="new words")
    third = await signed(
        desk, "def f(a: str, b: str):\n    return a\n", name="pin", version="1.2.0", description="newer words"
    )
    skipped = await install(desk, third)
    assert skipped["status"] == "blocked"
    assert await toolset.tools() == []
    with pytest.raises(Conflict, match="pinned"):
        await toolset.call("pin", {"a": "x"}, run=None)
    assert (
        await desk.as_("root", "tool:admin").post("/signing/installed/pin/accept", {"reason": "reviewed"})
    ).status_code == 200
    assert [spec.name for spec in await toolset.tools()] == ["pin"]
    await desk.as_("root", "tool:admin").post("/signing/installed/pin/remove")
    await install(desk, first)
    assert (await install(desk, second))["status"] == "installed"


async def test_a_revoked_key_takes_its_tools_away(desk: Any, toolset: SignedToolset) -> None:
    await install(desk, await signed(desk))
    await (await desk.service.signer()).revoke("signing-key-001", reason="key_compromise", invalid_since_ms=0)
    assert await toolset.tools() == []
    listed = (await desk.as_("root", "tool:admin").get("/signing/installed")).json()["tools"]
    assert (listed[0]["status"], listed[0]["reason"]) == ("blocked", "a certificate of the chain is revoked")


def test_schemas_are_read_not_run() -> None:
    (found,) = functions_of(
        "@mcp.tool()\ndef f(a: int, b: list[str] = None, *, c: bool):\n    'doc'\n\ndef other():\n    pass\n"
    )
    assert found.parameters["properties"] == {
        "a": {"type": "integer"},
        "b": {"type": "array"},
        "c": {"type": "boolean"},
    }
    assert found.parameters["required"] == ["a", "c"]
