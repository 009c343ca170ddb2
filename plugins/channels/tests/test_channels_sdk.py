"""The client on PyPI builds its structs from exactly the keys it knows; any other key is a TypeError there (runtime-api.md §6)."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from symbi.http import create_app
from symbi.testing.apps import TEST_TOKEN


async def test_the_symbiont_sdk_reads_every_answer(world, monkeypatch, tmp_path, message, until):
    symbiont = pytest.importorskip("symbiont")
    from symbiont.channels import AddIdentityMappingRequest, RegisterChannelRequest, UpdateChannelRequest

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYMBIONT_AUTH_JWT_SECRET_KEY", "for-the-client-alone")
    async with served(world.app) as url:
        client = symbiont.Client(base_url=f"{url}/api/v1", api_key=TEST_TOKEN)
        client.config.max_retries = 0
        channels = client.channels

        def begin():
            made = channels.register_channel(
                RegisterChannelRequest(name="sdk", platform="room", config={"token": "t0k3n-secret", "agent": "helper"})
            )
            assert (made.name, made.platform, made.status) == ("sdk", "room", "registered")
            assert channels.get_channel(made.id).config == {"token": "***", "agent": "helper"}
            mapping = channels.add_mapping(
                made.id,
                AddIdentityMappingRequest(
                    platform_user_id="U1", symbiont_user_id="ann", display_name="Ann", roles=["ops"]
                ),
            )
            assert (mapping.verified, mapping.email) == (True, None)
            assert channels.start_channel(made.id).action == "started"
            assert (
                channels.update_channel(made.id, UpdateChannelRequest(config={"level": 2, "agent": "helper"})).config[
                    "level"
                ]
                == 2
            )
            assert channels.get_channel_health(made.id).connected
            assert [each.status for each in channels.list_channels()] == ["running"]
            return made.id

        ident = await asyncio.to_thread(begin)
        await world.room.push(message())
        await until(lambda: world.room.sent)

        def end():
            assert [each.platform_user_id for each in channels.list_mappings(ident)] == ["U1"]
            audit = channels.query_audit(ident)
            assert audit.channel_id == ident
            assert "message.inbound" in {each.event_type for each in audit.entries}
            assert channels.get_channel_health(ident).last_message_at is not None
            channels.remove_mapping(ident, "U1")
            assert channels.stop_channel(ident).action == "stopped"
            assert channels.delete_channel(ident).deleted

        await asyncio.to_thread(end)


@asynccontextmanager
async def served(app):
    """Serve the application on a loopback port for the length of the block."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(create_app(app.kernel), port=0, lifespan="off", log_level="error"))
    server.install_signal_handlers = lambda: None
    task = asyncio.create_task(server.serve())
    while not server.started:  # uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task
