"""The platform of the tutorial is short, keeps the contract, and works with the service; the examples are what the platforms read."""

from __future__ import annotations

import hashlib
import hmac
import re
import types
from pathlib import Path

import msgspec
import pytest

from symbi.testing.channels import ChannelPlatformContract
from symbi.testing.chat_servers import Answer, ChatServer, closed_port

ROOT = Path(__file__).resolve().parents[3]
CODE = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "channels.md").read_text(encoding="utf-8"), re.DOTALL)[1]


def module():
    made = types.ModuleType("symbi_bridge")
    exec(compile(CODE, "docs/channels.md", "exec", dont_inherit=True), made.__dict__)  # the tutorial is what is tested
    return made


class BridgeServer(ChatServer):
    async def respond(self, call):
        return Answer(body="ok")


@pytest.fixture
async def server():
    async with BridgeServer() as opened:
        yield opened


def test_the_tutorials_platform_has_at_most_sixty_lines():
    assert len(CODE.splitlines()) <= 70
    assert len([line for line in CODE.splitlines() if line.strip()]) <= 60


class TestTutorial(ChannelPlatformContract):
    plugin = module()
    platform = "bridge"
    secrets = ("bridge-secret",)

    @pytest.fixture
    def channel_config(self, server):
        return {"url": f"{server.url}/in", "secret": "bridge-secret"}

    @pytest.fixture
    def dead_config(self):
        return {"url": f"http://127.0.0.1:{closed_port()}/in", "secret": "bridge-secret"}


async def test_it_works_with_the_service(make_world, tmp_path, message, until, server):
    world = make_world()
    own = world.plugins

    def with_bridge():
        return [*own(), module()]

    world.plugins = with_bridge
    async with world.opened(tmp_path, allow_private_hosts=True):
        config = {"url": f"{server.url}/in", "secret": "bridge-secret", "agent": "helper"}
        made = (await world.client.post("/channels", json={"name": "b", "platform": "bridge", "config": config})).json()
        person = {"platform_user_id": "U1", "symbiont_user_id": "ann", "display_name": "Ann", "roles": []}
        await world.client.post(f"/channels/{made['id']}/mappings", json=person)
        assert (await world.client.post(f"/channels/{made['id']}/start")).status_code == 200
        body = msgspec.json.encode(message("hello"))
        mac = hmac.new(b"bridge-secret", body, hashlib.sha256).hexdigest()
        answer = await world.app.anonymous.post(
            f"/channels/{made['id']}/hooks/messages", content=body, headers={"x-signature": mac}
        )
        assert answer.status_code == 200
        await until(lambda: server.calls)
        assert server.calls[0].json() == {"to": "C1", "text": "you said: hello"}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples" / "channels").rglob("*.json")), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_examples_are_json(path):
    assert msgspec.json.decode(path.read_bytes())
