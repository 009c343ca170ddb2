"""The core's own routes: health, status, plugins."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.response.base import ASGIResponse

from symbi.http.access import require_admin
from symbi.http.kernel_view import KernelView
from symbi.kernel.clock import rfc3339
from symbi.kernel.health import HealthReport
from symbi.kernel.records import PluginRecord

__all__ = ["CORE_HANDLERS", "STATUS_DEADLINE_SECONDS", "HealthAnswers"]

_log = logging.getLogger("symbi.http")
STATUS_DEADLINE_SECONDS = 5.0


class Healthy(msgspec.Struct, frozen=True, kw_only=True):
    """The seed's body of a runtime that works; what works less well than it should is told by `/status` and `/plugins`, to who may know."""

    status: str
    uptime_seconds: int
    timestamp: str
    version: str


class Unhealthy(msgspec.Struct, frozen=True, kw_only=True):
    """The seed's body of an unhealthy runtime; `error` names the parts, the reasons are for `/status` and the log."""

    status: str
    error: str
    timestamp: str


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether requests should be sent here, and the state of each part."""

    status: str
    checks: dict[str, str]


class Liveness(msgspec.Struct, frozen=True, kw_only=True):
    """The process answers."""

    status: str


class PluginsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Every plugin and how far it got."""

    plugins: list[dict[str, Any]]


class HealthAnswers:
    """Makes the answer once for each report of the kernel, which gathers at most once a second."""

    def __init__(self, kernel: KernelView) -> None:
        self._kernel = kernel
        self._report: HealthReport | None = None
        self._answer = ASGIResponse()

    async def current(self) -> ASGIResponse:
        """Return the answer to `GET /health`."""
        report = await self._kernel.health()
        if report is not self._report:
            self._answer, self._report = self._make(report), report
        return self._answer

    def _make(self, report: HealthReport) -> ASGIResponse:
        now = rfc3339(self._kernel.clock.now())
        bad = [name for name, each in report.components.items() if each.state != "healthy"]
        if report.state == "unhealthy":
            return _answer(Unhealthy(status="unhealthy", error=f"not healthy: {', '.join(bad)}", timestamp=now), 500)
        return _answer(
            Healthy(
                status="healthy",
                uptime_seconds=self._kernel.uptime_seconds,
                timestamp=now,
                version=self._kernel.version,
            )
        )


@get(
    "/health",
    opt={"auth": "open"},
    tags=["health"],
    responses={
        200: ResponseSpec(Healthy, description="It works."),
        500: ResponseSpec(Unhealthy, description="Critical parts do not work."),
    },
)
async def health(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Tell whether the runtime works: 200, or 500 with the parts that do not."""
    answers: HealthAnswers = request.app.state.health_answers
    return await answers.current()


@get("/health/live", opt={"auth": "open"}, sync_to_thread=False, tags=["health"])
def live() -> Liveness:
    """Tell that the process answers; nothing is checked."""
    return Liveness(status="alive")


@get("/health/ready", opt={"auth": "open"}, tags=["health"])
async def ready(request: Request[Any, Any, Any]) -> Response[Readiness]:
    """Tell whether requests should come here: 503 while a critical part does not work, and once the server was asked to stop."""
    kernel: KernelView = request.app.state.kernel
    report = await kernel.health()
    stopping = request.app.state.stopping.is_set()
    checks = {name: each.state for name, each in report.components.items()}
    if stopping or report.state == "unhealthy":
        return Response(Readiness(status="stopping" if stopping else "not ready", checks=dict(checks)), status_code=503)
    return Response(Readiness(status="ready", checks=dict(checks)))


@get("/status", guards=[require_admin], tags=["status"])
async def status(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Count what there is, and say what every part says of itself."""
    kernel: KernelView = request.app.state.kernel
    report = await kernel.health()
    counts: dict[str, int] = {"agent_count": 0, "schedule_count": 0, "channel_count": 0}
    for plugin, service in kernel.services.implementing("status_counts"):
        try:
            async with asyncio.timeout(STATUS_DEADLINE_SECONDS):
                counts.update(await service.status_counts())
        except Exception:
            _log.exception("plugin %s could not be counted", plugin)
            raise
    components = {name: msgspec.to_builtins(each) for name, each in report.components.items()}
    return {
        "version": kernel.version,
        "healthy": report.state != "unhealthy",
        **counts,
        "uptime_seconds": kernel.uptime_seconds,
        "components": components,
    }


@get("/plugins", guards=[require_admin], tags=["status"])
async def plugins(request: Request[Any, Any, Any]) -> PluginsAnswer:
    """List every plugin with its state, what it offers and what went wrong."""
    kernel: KernelView = request.app.state.kernel
    return PluginsAnswer(plugins=[plugin_row(record) for record in kernel.plugins()])


def plugin_row(record: PluginRecord) -> dict[str, Any]:
    """Return one plugin as `GET /plugins` and `symbi plugins list --json` show it."""
    row: dict[str, Any] = msgspec.to_builtins(record)
    return {**row, "error": record.error}


CORE_HANDLERS = [health, live, ready, status, plugins]


def _answer(body: msgspec.Struct, status: int = 200) -> ASGIResponse:
    return ASGIResponse(body=msgspec.json.encode(body), status_code=status, media_type="application/json")
