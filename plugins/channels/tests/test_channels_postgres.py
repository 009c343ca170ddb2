"""Two runtimes on one PostgreSQL: one connection a channel, taken over on death; hooks and messages may come to either."""

from __future__ import annotations

import asyncio

from symbi.contracts.principal import LOCAL_ADMIN

KEY = "hJ6Y0Zr3yC0m1cP8a1kqv2mWn4b7w9x5tQe8dRfGhUs="
FAST = {"lease_seconds": 0.9, "poll_seconds": 0.05, "encryption_key": KEY}


async def test_one_holds_the_connection_and_the_other_takes_over_when_it_dies(
    make_world, tmp_path, postgres_url, message, until
):
    one, two = make_world(), make_world()
    two.runs = one.runs
    async with (
        two.opened(tmp_path / "two", store=postgres_url, **FAST),
        one.opened(tmp_path / "one", store=postgres_url, **FAST),
    ):
        ident = await one.channel(token="a-secret-token-123")
        await until(lambda: one.room.receiving == 1)
        await until(lambda: ident in two.service.hub.runners, seconds=10)
        assert two.room.receiving == 0
        assert two.room.configs[-1].token.reveal() == "a-secret-token-123"

        one.runs.context = one.service.context
        await two.hook(ident, message("to the other one", number=1))
        await until(lambda: one.room.sent, seconds=10)
        queued = await two.service.post(ident, "from the other one", principal=LOCAL_ADMIN, target="C1")
        assert queued.status == "queued"
        await until(lambda: len(one.room.sent) == 2, seconds=10)

        frozen = one.service.hub.runners[ident]
        for task in frozen._working:
            task.cancel()
        one.service.fleet.tick = asyncio.Event().wait
        await asyncio.gather(*frozen._working, return_exceptions=True)
        await two.hook(ident, message("after its death", number=2))
        one.runs.context = two.service.context
        await until(lambda: two.room.receiving == 1, seconds=10)
        await until(lambda: two.room.sent, seconds=10)
        assert two.room.sent[0].text == "you said: after its death"
        assert len(one.room.sent) == 2
    assert [given["message"] for _, given, _, _ in one.runs.started] == ["to the other one", "after its death"]


async def test_a_runtime_that_stops_gives_its_channels_away_at_once(make_world, tmp_path, postgres_url, until):
    one, two = make_world(), make_world()
    async with two.opened(tmp_path / "two", store=postgres_url, **{**FAST, "lease_seconds": 2}):
        async with one.opened(tmp_path / "one", store=postgres_url, **{**FAST, "lease_seconds": 2}):
            await one.channel()
            await until(lambda: one.room.receiving == 1)
        await until(lambda: two.room.receiving == 1, seconds=5)
        stopped = await two.client.post("/channels/ops/stop")
        assert stopped.status_code == 200
        assert two.room.receiving == 0
