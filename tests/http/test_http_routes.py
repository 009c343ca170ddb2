"""The core's own routes: health (seed), liveness, readiness, status, plugins; F-16, A-26."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from symbi import hookimpl
from symbi.contracts.health import Health, degraded, healthy, unhealthy
from symbi.contracts.offers import HealthCheck

TOKEN = "a-long-enough-token-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")


class Checked:
    """A plugin with one health check."""

    __name__ = "checked"

    def __init__(self, verdict: Health, *, critical: bool = False) -> None:
        async def check(context: Any) -> Health:
            return verdict

        self._offer = HealthCheck(name="thing", check=check, critical=critical)

    @hookimpl
    def health_checks(self) -> list[HealthCheck]:
        return [self._offer]


class Counting:
    async def status_counts(self) -> Mapping[str, int]:
        return {"agent_count": 3}


async def test_healthy_is_the_seeds_body(make_client: Any) -> None:
    async with make_client(plugins=[Checked(healthy())]) as client:
        answer = await client.get("/api/v1/health")
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"status", "uptime_seconds", "timestamp", "version"}
    assert body["status"] == "healthy"
    assert isinstance(body["uptime_seconds"], int)
    assert STAMP.fullmatch(body["timestamp"])


async def test_f16_a_failing_critical_check_is_the_seeds_500_without_its_reason(make_client: Any) -> None:
    async with make_client(plugins=[Checked(unhealthy("password=hunter2 at /var/db"), critical=True)]) as client:
        answer = await client.get("/api/v1/health")
        assert answer.status_code == 500
        assert set(answer.json()) == {"status", "error", "timestamp"}
        assert answer.json()["status"] == "unhealthy"
        assert "thing" in answer.json()["error"]
        assert "hunter2" not in answer.text
        ready = await client.get("/api/v1/health/ready")
        assert (ready.status_code, ready.json()["status"], ready.json()["checks"]["thing"]) == (
            503,
            "not ready",
            "unhealthy",
        )
        assert (await client.get("/api/v1/health/live")).status_code == 200
        assert (await client.get("/api/v1/status", headers=BEARER)).json()["healthy"] is False


@pytest.mark.parametrize("verdict", [degraded("slow"), unhealthy("broken")])
async def test_a_failing_check_that_is_not_critical_degrades(make_client: Any, verdict: Health) -> None:
    async with make_client(plugins=[Checked(verdict)]) as client:
        answer = await client.get("/api/v1/health")
        assert answer.status_code == 200
        assert set(answer.json()) == {"status", "uptime_seconds", "timestamp", "version"}
        status = (await client.get("/api/v1/status", headers=BEARER)).json()
        assert status["components"]["thing"]["state"] == verdict.state
        assert (await client.get("/api/v1/health/ready")).status_code == 200


async def test_ready_ends_when_the_server_is_asked_to_stop(make_client: Any) -> None:
    async with make_client() as client:
        assert (await client.get("/api/v1/health/ready")).json()["status"] == "ready"
        client.app.state.stopping.set()
        answer = await client.get("/api/v1/health/ready")
        assert (answer.status_code, answer.json()["status"]) == (503, "stopping")


async def test_status_counts_what_services_know(make_client: Any) -> None:
    async with make_client() as client:
        client.kernel.services.provide(Counting, Counting(), plugin="counting")
        body = (await client.get("/api/v1/status", headers=BEARER)).json()
    assert {name: body[name] for name in ("agent_count", "schedule_count", "channel_count", "healthy")} == {
        "agent_count": 3,
        "schedule_count": 0,
        "channel_count": 0,
        "healthy": True,
    }
    assert body["components"]["store"]["state"] == "healthy"


async def test_a26_status_and_plugins_need_a_credential(make_client: Any) -> None:
    async with make_client() as client:
        for path in ("/api/v1/status", "/api/v1/plugins"):
            assert (await client.get(path)).status_code == 401
            assert (await client.get(path, headers=BEARER)).status_code == 200
