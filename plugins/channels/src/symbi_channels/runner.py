"""One channel that runs: the platform's side held open, and the work on inbox and outbox while this runtime leads."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from symbi.contracts.channels import Accepted, Channel, ChannelHealth, ChannelRefused, InboundMessage
from symbi.contracts.errors import SymbiError
from symbi.kernel.points import CHANNEL_PLATFORMS
from symbi_channels.acting import Actor
from symbi_channels.answers import Answers
from symbi_channels.counters import Counters
from symbi_channels.inbound import Inbound
from symbi_channels.outbound import Outbound
from symbi_channels.routing import Routing

if TYPE_CHECKING:
    from symbi_channels.hub import Hub

__all__ = ["Runner"]

_log = logging.getLogger("symbi.channels")
_OPEN_SECONDS = 20.0
_PROBE_SECONDS = 5.0


class Runner:
    """An opened channel. `lead` does its work here, `follow` leaves that to another runtime and only takes requests and puts into the outbox."""

    def __init__(self, hub: Hub, *, ident: str, name: str, platform: str, routing: Routing, config: Any) -> None:
        self.hub = hub
        self.id = ident
        self.name = name
        self.platform = platform
        self.routing = routing
        self.counters = Counters()
        self.channel: Channel
        self._config = config
        self._closing = asyncio.Event()
        self._holding: asyncio.Task[None] | None = None
        self._working: list[asyncio.Task[None]] = []
        self._probe: tuple[float, ChannelHealth] | None = None
        self.outbound = Outbound(self)
        self.inbound = Inbound(self)
        self.answers = Answers(self)
        self.actor = Actor(self)

    @property
    def leads(self) -> bool:
        """Tell whether this runtime does the channel's work."""
        return bool(self._working)

    async def open(self) -> None:
        """Open the platform's side; raises what it raises."""
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._holding = asyncio.get_running_loop().create_task(self._hold(opened), name=f"channels:{self.name}")
        await opened

    async def _hold(self, opened: asyncio.Future[None]) -> None:
        """Keep the platform's context manager within one task, from entering to leaving."""
        try:
            async with self.hub.context.open(CHANNEL_PLATFORMS, self.platform, self._config) as channel:
                self.channel = channel
                opened.set_result(None)
                await self._closing.wait()
        except Exception as error:
            if opened.done():
                _log.exception("channel %s did not close cleanly", self.name)
            else:
                opened.set_exception(error)

    def lead(self) -> None:
        """Begin to receive, act and send; does nothing where that is under way."""
        if self._working:
            return
        works = {
            "receive": self._receive,
            "inbox": self.inbound.work,
            "outbox": self.outbound.work,
            "answers": self.answers.work,
        }
        loop = asyncio.get_running_loop()
        self._working = [
            loop.create_task(self._keep(name, work), name=f"channels:{self.name}:{name}")
            for name, work in works.items()
        ]

    async def follow(self) -> None:
        """Stop working; what is under way is taken up by whoever leads next."""
        working, self._working = self._working, []
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)

    async def close(self) -> None:
        """Stop working and close the platform's side."""
        await self.follow()
        self._closing.set()
        if self._holding is not None:
            await asyncio.wait([self._holding], timeout=_OPEN_SECONDS)
            self._holding.cancel()

    async def accept(self, message: InboundMessage) -> Accepted:
        """Store what came in; see `Inbound.accept`."""
        return await self.inbound.accept(message)

    async def refused(self, error: ChannelRefused) -> None:
        """Go to `error`: the platform refuses the credentials, and waiting does not help."""
        self.hub.refuse(self, error)

    async def health(self) -> ChannelHealth:
        """Return what the platform answers to a probe, at most some seconds old."""
        now = self.hub.context.clock.monotonic()
        if self._probe is not None and now - self._probe[0] < self.hub.config.health_cache_seconds:
            return self._probe[1]
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                found = await self.channel.health()
        except TimeoutError:
            found = ChannelHealth(connected=False, reason=f"no answer within {_PROBE_SECONDS:g} s")
        except SymbiError as error:
            found = ChannelHealth(connected=False, reason=error.message)
        except Exception as error:
            _log.exception("channel %s: the probe failed", self.name)
            found = ChannelHealth(connected=False, reason=f"the probe failed: {type(error).__name__}")
        self._probe = (now, found)
        return found

    async def _receive(self) -> None:
        await self.channel.receive(self.accept)

    async def _keep(self, name: str, work: Any) -> None:
        """Run a part for ever: one that fails begins again after a growing pause."""
        pause = 0.5
        while True:
            try:
                await work()
                return
            except ChannelRefused as error:
                self.hub.refuse(self, error)
                return
            except Exception:
                self.counters.reconnects += name == "receive"
                _log.exception("channel %s: %s failed, again in %.1f s", self.name, name, pause)
            await self.hub.context.clock.sleep(pause * (0.9 + 0.2 * self.hub.context.random.random()))
            pause = min(pause * 2, 30.0)
