"""Services, found by the Protocol they provide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar, cast

from symbi.contracts.errors import ServiceUnavailable

__all__ = ["Services"]

T = TypeVar("T")


class Services:
    """The opened services of all plugins; features meet each other only here."""

    def __init__(self) -> None:
        self._by_protocol: dict[type, tuple[str, Any]] = {}
        self._missing: dict[str, str] = {}

    def provide(self, protocol: type, service: Any, *, plugin: str) -> None:
        """Make `service` known as the one provider of `protocol`."""
        self._by_protocol[protocol] = (plugin, service)
        self._missing.pop(protocol.__name__, None)

    def withdraw(self, protocol: type) -> None:
        """Forget the provider of `protocol`; an unknown one is ignored."""
        self._by_protocol.pop(protocol, None)

    def explain(self, protocol: type, reason: str) -> None:
        """Remember why nobody provides `protocol`, for the message of `get`."""
        self._missing[protocol.__name__] = reason

    def get(self, protocol: type[T]) -> T:
        """Return the service that provides `protocol`; raises `ServiceUnavailable` with the reason and the next step."""
        found = self._by_protocol.get(protocol)
        if found is None:
            reason = self._missing.get(protocol.__name__, "no installed and enabled plugin provides it")
            raise ServiceUnavailable(f"{protocol.__name__} is not available: {reason}", hint="symbi plugins doctor")
        return cast("T", found[1])

    def maybe(self, protocol: type[T]) -> T | None:
        """Return the service that provides `protocol`, or None."""
        found = self._by_protocol.get(protocol)
        return cast("T", found[1]) if found else None

    def all(self) -> Iterator[tuple[str, type, Any]]:
        """Yield `(plugin, protocol, service)` of everything that is open."""
        for protocol, (plugin, service) in list(self._by_protocol.items()):
            yield plugin, protocol, service

    def implementing(self, *attributes: str) -> Iterator[tuple[str, Any]]:
        """Yield `(plugin, service)` of every open service that has all the attributes, each once."""
        seen: set[int] = set()
        for plugin, _protocol, service in self.all():
            if id(service) not in seen and all(hasattr(service, attribute) for attribute in attributes):
                seen.add(id(service))
                yield plugin, service
