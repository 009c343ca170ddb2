"""From the plugins' route groups to routers of the application: what fails costs only its plugin."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from litestar import Router
from litestar.di import Provide

from symbi.contracts.errors import PluginError
from symbi.contracts.offers import RouteGroup, load
from symbi.http.litestar_app import PlainLitestar, PluginRouter

if TYPE_CHECKING:
    from symbi.http.kernel_view import KernelView

__all__ = ["Bridge", "Claim"]

_log = logging.getLogger("symbi.http.bridge")
T = TypeVar("T")
_PARAMETER = re.compile(r"\{[^}]*\}")


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a method and path."""

    plugin: str
    source: str


class Bridge:
    """Takes the core's routers and then route groups one by one; `routers` are those that passed."""

    def __init__(self, kernel: KernelView, *, core: Sequence[Router], scratch: dict[str, Any]) -> None:
        self._kernel = kernel
        self._scratch = scratch
        self._claims: dict[tuple[str, str], Claim] = {}
        self.routers: list[tuple[str, Router]] = []
        for router in core:
            self._take("core", "symbi-core", _routes(router), router)

    def add(self, plugin: str, group: RouteGroup) -> bool:
        """Take one group; a group that fails is recorded as a fault of its plugin, and False returned."""
        try:
            router = self._router(plugin, group)
            routes = _routes(router)
            self._refuse_taken(plugin, routes)
        except Exception as error:
            self._blame(plugin, error)
            return False
        self._take(plugin, self._source(plugin), routes, router)
        return True

    def build(self, make: Callable[[list[tuple[str, Router]]], T]) -> T:
        """Return what `make` makes of the routers; where that fails, each is tried in a scratch application, and what fails is left out.

        Trying comes second, since it costs as much as the making itself and a start in good order needs none of it.
        """
        try:
            return make(self.routers)
        except Exception:
            _log.debug("the routes do not make one application; looking for the ones to leave out", exc_info=True)
        kept: list[tuple[str, Router]] = []
        for plugin, router in self.routers:
            try:
                self._try([*(each for _, each in kept), router])
                kept.append((plugin, router))
            except Exception as error:
                self._blame(plugin, error)
        self.routers = kept
        return make(kept)

    def _blame(self, plugin: str, error: Exception) -> None:
        _log.debug("routes of plugin %s", plugin, exc_info=error)
        remedy = f"its routes are left out; mend it, or disable it: [plugins] disabled = [{plugin!r}]"
        self._kernel.blame(plugin, "routes", error, remedy=remedy)

    def _router(self, plugin: str, group: RouteGroup) -> Router:
        handlers = load(group.load)
        if callable(handlers) and not isinstance(handlers, type):
            handlers = handlers()
        if not isinstance(handlers, Sequence) or not handlers:
            raise PluginError(f"{group.load!r} is no list of handlers", plugin=plugin)
        context = self._kernel.context_for(plugin)
        return PluginRouter(
            path=group.prefix,
            route_handlers=list(handlers),
            dependencies={"context": Provide(lambda: context, sync_to_thread=False)},
            opt={"plugin": plugin},
            tags=[group.name],
        )

    def _try(self, routers: Sequence[Router]) -> None:
        """Build an application of the routers alone; raises whatever is wrong with them."""
        PlainLitestar(route_handlers=list(routers), openapi_config=None, **self._scratch)

    def _refuse_taken(self, plugin: str, routes: Sequence[tuple[str, str]]) -> None:
        for method, path in routes:
            holder = self._claims.get((method, path))
            if holder is not None:
                raise PluginError(
                    f"{method} {path} is offered by {plugin} ({self._source(plugin)}) and taken by {holder.plugin} ({holder.source})",
                    plugin=plugin,
                )

    def _take(self, plugin: str, source: str, routes: Sequence[tuple[str, str]], router: Router) -> None:
        self.routers.append((plugin, router))
        self._claims.update({route: Claim(plugin=plugin, source=source) for route in routes})

    def _source(self, plugin: str) -> str:
        return next((record.source for record in self._kernel.plugins() if record.name == plugin), plugin)


def _routes(router: Router) -> list[tuple[str, str]]:
    """Return the methods and paths that a router serves."""
    return [served for route in router.routes for served in _served(route)]


def _served(route: Any) -> list[tuple[str, str]]:
    path = _PARAMETER.sub("{}", route.path)
    methods = getattr(route, "methods", None) or [route.scope_type.value.upper()]
    return [(str(method), path) for method in methods if method != "OPTIONS"]
