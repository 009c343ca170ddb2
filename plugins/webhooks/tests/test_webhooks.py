"""Webhook blocks: declared, signed, filtered, started once (dsl.md §5.10)."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

import symbi_webhooks.plugin
from symbi import hookimpl
from symbi.contracts.agents import AgentService
from symbi.contracts.audit import AuditLog
from symbi.contracts.errors import PolicyDenied
from symbi.contracts.principal import LOCAL_ADMIN
from symbi.contracts.runs import RunService
from symbi.testing.apps import open_app
from symbi.testing.audit import MemoryAuditLog
from symbi_webhooks.filtering import admits, steps_of
from symbi_webhooks.service import Webhooks
from symbi_webhooks.signing import verified

SECRET = "webhook-signing-secret"
BLOCK = {
    "key": "a#t",
    "name": "tickets",
    "line": 3,
    "path": "/hooks/tickets",
    "provider": "github",
    "secret": "vault://x",
    "agent": "support",
}


class Fakes:
    """Agents and runs that only count."""

    def __init__(self):
        self.started = {}
        self.denied = False
        self.parameters = ()
        self.audit = MemoryAuditLog()

    async def resolve(self, name):
        return SimpleNamespace(id=f"id-{name}", name=name)

    async def spec(self, agent):
        return SimpleNamespace(parameters=[SimpleNamespace(name=name) for name in self.parameters])

    async def start(self, agent, given, *, principal, options):
        if self.denied:
            raise PolicyDenied("policy says no")
        run = self.started.setdefault(
            options.idempotency_key, (f"run-{len(self.started) + 1}", agent, given, principal, options)
        )
        return SimpleNamespace(run_id=run[0])

    def runs(self):
        return list(self.started.values())

    def plugin(fakes):
        def opener(thing):
            @asynccontextmanager
            async def opened(config, context):
                yield thing

            return opened

        class Plugin:
            @hookimpl
            def services(self):
                from symbi import Service

                for name, protocol, thing in (
                    ("a", AgentService, fakes),
                    ("r", RunService, fakes),
                    ("l", AuditLog, fakes.audit),
                ):
                    yield Service(name=f"fake_{name}", provides=protocol, open=opener(thing), summary="a fake")

        return Plugin()


@pytest.fixture
def fakes():
    return Fakes()


@pytest.fixture
async def app(tmp_path, fakes):
    tables = {"webhooks": {"secrets": {"vault://x": SECRET}, "max_body_bytes": 2048}}
    async with open_app(
        tmp_path, [symbi_webhooks.plugin, fakes.plugin()], tables=tables, environ={"HOOK": SECRET}
    ) as opened:
        yield opened


async def declare(app, *blocks, source="file:a"):
    return await app.kernel.services.get(Webhooks).reconcile(source, "webhook", blocks, owner=LOCAL_ADMIN)


def github(body, delivery="d1", secret=SECRET):
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-hub-signature-256": f"sha256={mac}", "x-github-delivery": delivery, "x-github-event": "issues"}


def timed(body, name, at=None, secret=SECRET):
    stamp = int(time.time() if at is None else at)
    mac = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {name: f"t={stamp},v1={'0' * 64},v1={mac}"}


async def post(app, body, headers, path="/hooks/tickets"):
    return await app.anonymous.post(f"http://127.0.0.1:8080{path}", content=body, headers=headers)


async def test_a_signed_event_starts_its_agent_once(app, fakes):
    assert await declare(app, BLOCK) == []
    fakes.parameters = ("event", "payload")
    body = b'{"action": "opened"}'
    first, again, other = [await post(app, body, github(body, delivery)) for delivery in ("d1", "d1", "d2")]
    assert (first.status_code, first.json()) == (202, {"run_id": "run-1", "status": "started"})
    assert (again.json()["run_id"], other.json()["run_id"]) == ("run-1", "run-2")
    (_, agent, given, principal, options) = fakes.runs()[0]
    assert (agent, given, principal.id, principal.agents) == (
        "support",
        {"payload": {"action": "opened"}, "event": "issues"},
        "system:webhook:tickets",
        {"id-support"},
    )
    assert (options.trigger, options.surface, principal.admin) == ("webhook", "webhook", False)
    assert [record.outcome for record in fakes.audit.records] == ["started"] * 3
    assert SECRET not in repr(fakes.audit.records)


async def test_the_filter_decides(app, fakes):
    await declare(app, {**BLOCK, "json_path": "$.action", "equals": "opened"})
    for text, status in (('{"action": "closed"}', 200), ('{"action": "opened"}', 202), ("[]", 200)):
        assert (await post(app, text.encode(), github(text.encode()))).status_code == status
    assert len(fakes.started) == 1


@pytest.mark.parametrize(("headers", "status"), [
    ({}, 401),
    (github(b"{}", secret="other"), 401),
    (github(b"{} "), 401),
    ({"x-hub-signature-256": "sha256=zz"}, 401),
    ({"x-hub-signature-256": "é".encode()}, 401),
])  # fmt: skip
async def test_a_wrong_signature_is_401(app, fakes, headers, status):
    await declare(app, BLOCK)
    assert (await post(app, b"{}", headers)).status_code == status
    assert fakes.started == {}


@pytest.mark.parametrize(("provider", "name"), [("stripe", "stripe-signature"), ("custom", "x-symbi-signature")])
async def test_signatures_with_a_time_have_a_window(app, fakes, provider, name):
    await declare(app, {**BLOCK, "provider": provider, "secret": "env:HOOK"})
    body = b'{"id": "evt_1"}'
    assert (await post(app, body, timed(body, name))).status_code == 202
    assert (await post(app, body, timed(body, name, at=time.time() - 302))).status_code == 401
    assert (await post(app, body, timed(body, name, at=time.time() + 302))).status_code == 401
    assert (await post(app, body, {name: "t=1,v1=2"})).status_code == 401
    if provider == "stripe":
        assert (await post(app, body, timed(body, name, at=time.time() - 5))).status_code == 202
        assert len(fakes.started) == 1


def test_slacks_signature():
    body, stamp = b"\xff", "1700000000"
    mac = hmac.new(b"s", f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={mac}"}
    assert verified("slack", headers, body, secret="s", now=1_700_000_100, window=300)
    assert not verified("slack", headers, body, secret="s", now=1_700_000_400, window=300)


async def test_bad_requests_and_policy(app, fakes):
    await declare(app, BLOCK)
    assert (await post(app, b"{", github(b"{"))).status_code == 400
    huge = json.dumps({"x": "y" * 3000}).encode()
    assert (await post(app, huge, github(huge))).status_code == 413
    assert (await post(app, b"{}", github(b"{}"), path="/hooks/other")).status_code == 404
    fakes.denied = True
    assert (await post(app, b"{}", github(b"{}"))).status_code == 403


async def test_faulty_blocks_are_named_and_removed_blocks_are_gone(app, fakes):
    faults = await declare(
        app, {**BLOCK, "path": "/api/v1/agents"}, {**BLOCK, "secret": "vault://unknown"}, {**BLOCK, "secret": "env:NOT_SET"}, {**BLOCK, "secret": ""},
        {**BLOCK, "json_path": "action"}, {**BLOCK, "agent": None},
    )  # fmt: skip
    assert len(faults) == 6
    assert "[webhooks.secrets]" in faults[1]
    assert await declare(app, BLOCK) == []
    assert "twice" in (await declare(app, BLOCK, source="file:b"))[0]
    await declare(app)
    assert (await post(app, b"{}", github(b"{}"))).status_code == 404


async def test_an_agent_with_one_parameter_gets_the_body_in_it(app, fakes):
    fakes.parameters = ("message",)
    await declare(app, {**BLOCK, "provider": "custom", "secret": "", "unsigned": True})
    assert (await post(app, b'"hello"', {})).status_code == 202
    assert fakes.runs()[0][2] == {"message": "hello"}


@pytest.mark.parametrize(("path", "body", "good"), [
    ("$.a.b[1]['c d']", {"a": {"b": [0, {"c d": True}]}}, True),
    ("$.a", {"a": None}, False),
    ("$[0]", [], False),
    ("$", "true", True),
])  # fmt: skip
def test_paths(path, body, good):
    assert admits(body, steps=steps_of(path), equals="true", contains=None) is good


@pytest.mark.parametrize("path", ["a", "$a", "$.", "$..a", "$[x]", "$[*]", "$." + "a" * 2000])
def test_wrong_paths_are_refused(path):
    with pytest.raises(ValueError, match="json_path"):
        steps_of(path)
