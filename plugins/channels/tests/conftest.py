"""A runtime without the other plugins: a scripted platform, agents and runs that a test ends, approvals, a gate, an audit log."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import msgspec
import pytest

from symbi import hookimpl
from symbi.contracts.agents import AgentService, AgentView
from symbi.contracts.approvals import Approvals
from symbi.contracts.audit import AuditLog
from symbi.contracts.channels import (
    ChannelHealth,
    ChannelLimits,
    ChannelService,
    HookReply,
    InboundMessage,
    SendFailed,
    Sent,
)
from symbi.contracts.errors import NotFound, PolicyDenied
from symbi.contracts.policy import Gate
from symbi.contracts.runs import RunEnded, RunEvent, RunService, RunView, Usage
from symbi.contracts.secret import Secret
from symbi.testing.apps import open_app
from symbi.testing.audit import MemoryAuditLog
from symbi.testing.gates import FakeGate


class RoomConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str = "https://room.example"
    token: Secret | None = None
    tokens: tuple[Secret, ...] = ()
    level: int = 1

    def __post_init__(self):
        if self.level > 9:
            raise ValueError("level: at most 9")


class Room:
    """A platform in memory: `sent` and `edited` are what it took, `faults` what it answers instead."""

    def __init__(self):
        self.sent = []
        self.edited = []
        self.faults = []
        self.down = False
        self.size = 1000
        self.per_second = None
        self.configs = []
        self.receiving = 0
        self.accepts = []
        self.queue = asyncio.Queue()

    async def push(self, message):
        await self.queue.put(message)


class RoomChannel:
    default_target = "C-home"

    def __init__(self, room, config):
        self.room = room
        self.config = config
        self.limits = ChannelLimits(message_size=room.size, per_second=room.per_second)
        room.configs.append(config)

    def measure(self, text):
        return len(text)

    async def send(self, message):
        if self.room.faults:
            raise self.room.faults.pop(0)
        if self.room.down:
            raise SendFailed("the room is down", retryable=True)
        self.room.sent.append(message)
        return Sent(message_id=f"m{len(self.room.sent)}", conversation=message.conversation)

    async def edit(self, sent, message):
        if self.room.down:
            raise SendFailed("the room is down", retryable=True)
        self.room.edited.append((sent.message_id, message))

    async def receive(self, accept):
        self.room.receiving += 1
        self.room.accepts.append(accept)
        try:
            while True:
                message = await self.room.queue.get()
                if isinstance(message, Exception):
                    raise message
                await accept(message)
        finally:
            self.room.receiving -= 1

    async def handle(self, request, accept):
        if request.headers.get("x-signature") != "good":
            return HookReply(status=401)
        result = await accept(msgspec.json.decode(request.body, type=InboundMessage))
        return HookReply(status=409 if result == "replayed" else 200, body=result.encode())

    async def health(self):
        return ChannelHealth(connected=not self.room.down, workspace_name="home", channels_active=3)


class FakeAgents:
    def __init__(self):
        self.known = {"helper", "deployer"}

    async def resolve(self, name_or_id):
        if name_or_id not in self.known:
            return None
        return AgentView(
            id=f"id-{name_or_id}",
            name=name_or_id,
            agent=name_or_id,
            text="",
            revision="r",
            language="symbi",
            mode="ephemeral",
            source="api",
            owner="",
            metadata={},
            created_at=0,
            updated_at=0,
        )

    async def spec(self, agent):
        class Spec:
            parameters = ()

        return Spec()

    async def list(self, *, principal=None):
        return []


class FakeRuns:
    """Runs by idempotency key; `answers` ends them at once, otherwise a test ends them."""

    def __init__(self):
        self.context = None
        self.runs = {}
        self.keys = {}
        self.started = []
        self.answer = lambda text: f"you said: {text}"
        self.deny = False
        self.journal = {}

    async def start(self, agent, input, *, principal, options):
        if self.deny:
            raise PolicyDenied("policy says no")
        if agent not in ("helper", "deployer"):
            raise NotFound(f"no agent {agent!r}", code="AGENT_NOT_FOUND")
        if options.idempotency_key in self.keys:
            return self.runs[self.keys[options.idempotency_key]]
        run = RunView(
            run_id=f"run-{len(self.runs) + 1}",
            agent_id=f"id-{agent}",
            agent=agent,
            status="queued",
            trigger=options.trigger,
            principal=principal.id,
            input=input,
            result=None,
            error=None,
            attempt=1,
            schedule_id=None,
            scheduled_for=None,
            created_at=0,
            started_at=None,
            completed_at=None,
            usage=Usage(),
        )
        self.keys[options.idempotency_key] = run.run_id
        self.runs[run.run_id] = run
        self.started.append((agent, input, principal, options))
        if self.answer is not None:
            asyncio.get_running_loop().call_soon(self.end, run.run_id, self.answer(input["message"]))
        return run

    def end(self, run_id, result=None, *, status="completed", error=None):
        run = msgspec.structs.replace(self.runs[run_id], status=status, result=result, error=error)
        self.runs[run_id] = run
        options = self.started[list(self.runs).index(run_id)][3]
        self.context.events.publish(RunEnded(run=run, origin=options.origin))

    async def get(self, run_id):
        if run_id not in self.runs:
            raise NotFound("no such run")
        return self.runs[run_id]

    async def events(self, run_id, *, after=0, follow=True):
        for number, kind in enumerate(self.journal.get(run_id, ()), 1):
            yield RunEvent(run_id=run_id, seq=number, at=0, kind=kind)


class World:
    """Everything a test of channels needs to know."""

    def __init__(self, approvals=None, others=()):
        self.room = Room()
        self.agents = FakeAgents()
        self.runs = FakeRuns()
        self.gate = FakeGate()
        self.others = list(others)
        self.audit = None if self.others else MemoryAuditLog()
        self.approvals = approvals
        self.app = None

    @property
    def client(self):
        return self.app.client

    @property
    def service(self):
        return self.app.kernel.services.get(ChannelService)

    def plugins(self):
        import symbi_channels.plugin

        return [symbi_channels.plugin, self._fakes(), *self.others]

    def _fakes(world):
        def opener(thing):
            @asynccontextmanager
            async def opened(config, context):
                if hasattr(thing, "context"):
                    thing.context = context
                yield thing

            return opened

        @asynccontextmanager
        async def open_room(config, context):
            yield RoomChannel(world.room, config)

        class Fakes:
            @hookimpl
            def services(self):
                from symbi import Service

                offers = {
                    "fake_agents": (AgentService, world.agents),
                    "fake_runs": (RunService, world.runs),
                    "fake_gate": (Gate, world.gate),
                    "fake_audit": (AuditLog, world.audit),
                }
                if world.audit is None:
                    del offers["fake_audit"]
                if world.approvals is not None:
                    offers["fake_approvals"] = (Approvals, world.approvals)
                for name, (protocol, thing) in offers.items():
                    yield Service(name=name, provides=protocol, open=opener(thing), summary="a fake")

            @hookimpl
            def channel_platforms(self):
                from symbi.contracts.channels import ChannelPlatform

                yield ChannelPlatform(name="room", config=RoomConfig, open=open_room, summary="in memory")

        return Fakes()

    @asynccontextmanager
    async def opened(self, folder, *, clock=None, store="", **settings):
        tables = {"channels": {"retry_first_seconds": 0.02, "retry_most_seconds": 0.1, **settings}}
        if store:
            tables["store"] = {"url": store}
        async with open_app(folder, self.plugins(), tables=tables, clock=clock) as app:
            self.app = app
            yield self

    async def channel(self, *, name="ops", start=True, people=("U1",), **config):
        made = (
            await self.client.post(
                "/channels", json={"name": name, "platform": "room", "config": {"agent": "helper", **config}}
            )
        ).json()
        for user in people:
            await self.client.post(
                f"/channels/{made['id']}/mappings",
                json={
                    "platform_user_id": user,
                    "symbiont_user_id": f"person-{user}",
                    "display_name": user,
                    "roles": ["ops"],
                },
            )
        if start:
            answer = await self.client.post(f"/channels/{made['id']}/start")
            assert answer.status_code == 200, answer.text
        return made["id"]

    async def hook(self, ident, message, signature="good"):
        return await self.app.anonymous.post(
            f"/channels/{ident}/hooks/events", content=msgspec.json.encode(message), headers={"x-signature": signature}
        )


def a_message(text="hello", number=1, **facts):
    fields = {
        "event_id": f"E{number}",
        "conversation": "C1",
        "sender_id": "U1",
        "text": text,
        "message_id": f"ts{number}",
        "addressed": True,
        **facts,
    }
    return InboundMessage(**fields)


async def until_true(check, seconds=5.0):
    async with asyncio.timeout(seconds):
        while not check():
            await asyncio.sleep(0.005)


@pytest.fixture
def make_world():
    return World


@pytest.fixture
def message():
    return a_message


@pytest.fixture
def until():
    return until_true


@pytest.fixture
async def world(tmp_path):
    async with World().opened(tmp_path) as opened:
        yield opened
