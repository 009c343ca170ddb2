"""What plugins declare: typed, frozen, cheap structs; whatever is heavy is named by a `module:attribute` string and loaded on first use."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import msgspec

__all__ = [
    "Command",
    "EventListener",
    "HealthCheck",
    "MetricsSource",
    "NoConfig",
    "Offer",
    "Ref",
    "RouteGroup",
    "Service",
    "Tables",
    "load",
]

T = TypeVar("T")

Ref = str | Any
"""A thing, or the string `package.module:attribute` that names it."""


def load(ref: Ref) -> Any:
    """Return what `ref` names, importing its module on first use; anything but a string is returned as it is.

    Raises `ImportError` or `AttributeError` with the whole reference in the message.
    """
    if not isinstance(ref, str):
        return ref
    module, _, attribute = ref.partition(":")
    target: Any = importlib.import_module(module)
    for part in attribute.split(".") if attribute else ():
        try:
            target = getattr(target, part)
        except AttributeError:
            raise AttributeError(f"{ref!r}: module {module!r} has no attribute {attribute!r}") from None
    return target


class NoConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The configuration of something that has none."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One named thing that can be opened: an exporter, a vector backend, a channel platform, a policy engine and so on.

    `config` is a frozen struct type (unknown fields refused) or names one; `open(config, context)` returns an async context manager of
    the thing, which implements the Protocol of its extension point. `summary` is one line for people.
    """

    name: str
    open: Ref
    config: Ref = NoConfig
    summary: str = ""
    table: str = ""
    """The table of `symbi.toml` that configures it (`scheduler`, `metrics`); empty means `plugins.<name>`."""

    def config_type(self) -> type[msgspec.Struct]:
        """Return the configuration struct type, importing it if it is named by a string."""
        found: type[msgspec.Struct] = load(self.config)
        return found

    def opener(self) -> Callable[[Any, Any], AbstractAsyncContextManager[Any]]:
        """Return the `open` function, importing it if it is named by a string."""
        found: Callable[[Any, Any], AbstractAsyncContextManager[Any]] = load(self.open)
        return found


class Service(Offer, frozen=True, kw_only=True):
    """One service of a feature plugin, opened at start and found by the Protocol it provides.

    `requires` and `optional` name Protocols whose services are opened before this one; a missing required one keeps this one closed.
    `critical` marks the security path: when it cannot be opened the start is refused.
    """

    provides: Ref
    requires: tuple[Ref, ...] = ()
    optional: tuple[Ref, ...] = ()
    critical: bool = False


class RouteGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Litestar handlers of one plugin; `load` names a list of them.

    Paths are below `/api/v1` unless `prefix` says otherwise (`prefix="/"` for pages such as `/console`).
    """

    name: str
    load: Ref
    prefix: str = "/api/v1"


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One click command or group; a name of two words (`tools analyze`) joins a group that several plugins share."""

    name: str
    load: Ref
    summary: str


class Tables(msgspec.Struct, frozen=True, kw_only=True):
    """The tables of one plugin: SQLAlchemy metadata and the package that holds its Alembic revisions (its branch is `name`)."""

    name: str
    load: Ref
    migrations: str


class EventListener(msgspec.Struct, frozen=True, kw_only=True):
    """A listener to one type of event: `await listen(event, context)`, called in order, one at a time, behind a bounded queue."""

    name: str
    event: Ref
    listen: Ref


class HealthCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A check of health: `await check(context) -> symbi.contracts.health.Health`; `critical` makes the whole runtime unhealthy."""

    name: str
    check: Ref
    critical: bool = False


class MetricsSource(msgspec.Struct, frozen=True, kw_only=True):
    """A source of figures: `await collect(context) -> Mapping[str, Any]`, merged into the block of the snapshot called `name`."""

    name: str
    collect: Ref
