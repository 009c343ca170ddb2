"""The application: the kernel's routes and every plugin's, behind one edge."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from litestar.datastructures import State
from litestar.di import Provide
from litestar.middleware import DefineMiddleware

from symbi.contracts.principal import Principal
from symbi.contracts.telemetry import TraceSampler
from symbi.http.access import principal_of
from symbi.http.authority import open_authority
from symbi.http.bridge import Bridge
from symbi.http.core_routes import CORE_HANDLERS, HealthAnswers
from symbi.http.cors import Cors
from symbi.http.edge import Edge
from symbi.http.entry import Doorman, Entry
from symbi.http.errors import EXCEPTION_HANDLERS
from symbi.http.idempotency import Idempotency
from symbi.http.litestar_app import PlainLitestar, PluginRouter
from symbi.http.openapi import DOCS_HANDLERS, Description
from symbi.http.requests import JsonRequest
from symbi.http.settings import AuthSettings, ServerSettings, is_loopback
from symbi.kernel.context import PluginContext
from symbi.kernel.services import Services

if TYPE_CHECKING:
    from litestar import Router
    from litestar.connection import Request
    from litestar.types import LifeSpanReceive, LifeSpanScope, LifeSpanSend, Receive, Scope, Send

    from symbi.http.kernel_view import KernelView

__all__ = ["SymbiApp", "create_app"]


class SymbiApp(PlainLitestar):
    """A Litestar application whose requests pass the edge before they are routed."""

    edge: Edge

    async def __call__(
        self, scope: Scope | LifeSpanScope, receive: Receive | LifeSpanReceive, send: Send | LifeSpanSend
    ) -> None:
        """Serve one connection, or the lifespan."""
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
        else:
            await self.edge(scope, receive, send)  # type: ignore[arg-type]  # narrowed by the type of the scope

    async def serve_inside(self, scope: Any, receive: Any, send: Any) -> None:
        """Route one request that has passed the edge."""
        await super().__call__(scope, receive, send)


def create_app(kernel: KernelView, *, host: str | None = None) -> SymbiApp:
    """Return the application of an opened kernel; `host` is the address it will be bound to, where it is not `[server] host`.

    Raises `ConfigError` for a weak token, an unusable key file or wrong settings: such a server must not start. A plugin whose routes do not work
    is blamed and left out.
    """
    server = kernel.settings.section("server", ServerSettings)
    auth = kernel.settings.section("auth", AuthSettings)
    loopback = is_loopback(host or server.host)
    authority = open_authority(kernel.settings, kernel.clock, auth)
    doorman = Doorman(authority, open_paths=auth.open_paths, loopback=loopback, cors=Cors(server.cors_origins))
    idempotency = Idempotency(kernel, keep_hours=server.idempotency_hours)
    entry = DefineMiddleware(cast("Any", Entry), doorman=doorman, settings=server, idempotency=idempotency)
    options = _options(kernel, server)
    bridge = Bridge(kernel, core=_core_routers(server), scratch=options)
    for plugin, group in kernel.routes():
        bridge.add(plugin, group)

    def make(routers: list[tuple[str, Router]]) -> SymbiApp:
        description = Description(version=kernel.version, routers=routers, options=options)
        return SymbiApp(
            route_handlers=[router for _, router in routers],
            middleware=[entry],
            exception_handlers=EXCEPTION_HANDLERS,
            openapi_config=None,
            state=_state(kernel, server, authority, description),
            **options,
        )

    app = bridge.build(make)
    sampler = kernel.services.maybe(TraceSampler)
    app.edge = Edge(
        app.serve_inside,
        server,
        loopback=loopback,
        monotonic=kernel.clock.monotonic,
        events=kernel.events,
        samples=partial(sampler.samples, request=True) if sampler is not None else None,
    )
    return app


def _core_routers(server: ServerSettings) -> list[Router]:
    core: list[Router] = [PluginRouter(path="/api/v1", route_handlers=CORE_HANDLERS)]
    if server.docs:
        core.append(PluginRouter(path="/", route_handlers=DOCS_HANDLERS))
    return core


def _options(kernel: KernelView, server: ServerSettings) -> dict[str, Any]:
    """Return what the application and its scratch copies share."""
    services = kernel.services
    return {
        "dependencies": {
            "services": Provide(lambda: services, sync_to_thread=False),
            "principal": Provide(_principal, sync_to_thread=False),
            "idempotency_key": Provide(_idempotency_key, sync_to_thread=False),
        },
        "signature_namespace": {"Services": Services, "Principal": Principal, "PluginContext": PluginContext},
        "request_class": JsonRequest,
        "request_max_body_size": server.max_body_bytes,
        "logging_config": None,
        "debug": False,
    }


def _state(kernel: KernelView, server: ServerSettings, authority: Any, description: Description) -> State:
    return State(
        {
            "kernel": kernel,
            "server": server,
            "authority": authority,
            "description": description,
            "health_answers": HealthAnswers(kernel),
            "stopping": asyncio.Event(),
            "max_json_depth": server.max_json_depth,
        }
    )


def _principal(request: Request[Any, Any, Any]) -> Principal:
    return principal_of(request)


def _idempotency_key(request: Request[Any, Any, Any]) -> str | None:
    return request.headers.get("idempotency-key")
