"""Lifecycle: order, deadlines, blame, retry, reverse close."""

from __future__ import annotations

import asyncio
import types
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec
import pytest

from symbi import Service, hookimpl
from symbi.contracts.errors import ConfigError, PluginError, ServiceUnavailable, Unavailable
from symbi.contracts.health import unhealthy


class First(Protocol):
    def hello(self) -> str: ...


class Second(Protocol):
    def hello(self) -> str: ...


class Third(Protocol):
    def hello(self) -> str: ...


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    word: str = "hello"


def offering(*services):
    return types.SimpleNamespace(services=hookimpl(lambda: list(services)))


def service(name, provides, log, **more):
    @asynccontextmanager
    async def open_it(config, context):
        log.append(f"open {name}")
        yield types.SimpleNamespace(hello=lambda: name)
        log.append(f"close {name}")

    return Service(name=name, provides=provides, open=open_it, **more)


async def test_services_open_in_the_order_of_their_needs_and_close_in_reverse(make_kernel):
    log = []
    plugin = offering(
        service("a", First, log, requires=(Second,)),
        service("b", Second, log, optional=(Third,)),
        service("c", Third, log),
    )
    async with make_kernel([plugin]) as kernel:
        assert kernel.services.get(First).hello() == "a"
        assert log == ["open c", "open b", "open a"]
    assert log[3:] == ["close a", "close b", "close c"]


async def test_a_service_that_lacks_its_need_is_off_and_the_rest_works(make_kernel):
    log = []
    async with make_kernel(
        [offering(service("a", First, log, requires=(Second,)), service("c", Third, log))]
    ) as kernel:
        assert kernel.services.get(Third).hello() == "c"
        with pytest.raises(ServiceUnavailable, match="it needs Second"):
            kernel.services.get(First)
        report = await kernel.health()
        assert report.state == "degraded"
        assert report.components["a"].state == "unhealthy"


async def test_a_circle_of_needs_is_refused_with_its_path(make_kernel):
    log = []
    with pytest.raises(PluginError, match="a → b → a"):
        async with make_kernel(
            [offering(service("a", First, log, requires=(Second,)), service("b", Second, log, requires=(First,)))]
        ):
            pass


async def test_optional_needs_in_a_circle_give_way(make_kernel):
    log = []
    async with make_kernel(
        [offering(service("a", First, log, requires=(Second,)), service("b", Second, log, optional=(First,)))]
    ) as kernel:
        assert kernel.services.get(First).hello() == "a"


def failing(name, provides, error, **more):
    @asynccontextmanager
    async def open_it(config, context):
        if isinstance(error, BaseException):
            raise error
        await asyncio.sleep(error)
        yield None

    return Service(name=name, provides=provides, open=open_it, **more)


async def test_a_service_that_raises_is_recorded_and_the_rest_opens(make_kernel):
    log = []
    async with make_kernel([offering(failing("a", First, ValueError("boom")), service("c", Third, log))]) as kernel:
        record = kernel.plugins()[0]
        assert record.state == "degraded"
        assert "ValueError: boom" in record.error
        assert kernel.services.get(Third)


async def test_a_service_that_hangs_while_opening_meets_its_deadline(make_kernel):
    log = []
    tables = {"plugins": {"open_timeout_seconds": 0.05}}
    async with make_kernel([offering(failing("a", First, 60), service("c", Third, log))], tables=tables) as kernel:
        assert "did not open within 0.05 s" in kernel.plugins()[0].error
        assert kernel.services.get(Third)


async def test_a_critical_service_that_fails_refuses_the_start(make_kernel):
    with pytest.raises(PluginError, match="boom"):
        async with make_kernel([offering(failing("a", First, ValueError("boom"), critical=True))]):
            pass


async def test_a_service_named_in_the_configuration_is_strict(make_kernel):
    plugin = offering(failing("a", First, ValueError("boom"), config=Config))
    with pytest.raises(PluginError, match="boom"):
        async with make_kernel([plugin], tables={"plugins": {"a": {"word": "hi"}}}):
            pass


async def test_a_wrong_setting_refuses_the_start_with_its_path(make_kernel):
    with pytest.raises(ConfigError) as caught:
        async with make_kernel(
            [offering(service("a", First, [], config=Config))], tables={"plugins": {"a": {"wrd": "hi"}}}
        ):
            pass
    assert caught.value.path == "plugins.a.wrd"
    assert "did you mean 'word'" in caught.value.message


async def test_what_is_unavailable_is_opened_later(make_kernel):
    tries = []

    @asynccontextmanager
    async def open_it(config, context):
        tries.append(1)
        if len(tries) < 2:
            raise Unavailable("not yet")
        yield types.SimpleNamespace(hello=lambda: "late")

    async with make_kernel([offering(Service(name="a", provides=First, open=open_it))]) as kernel:
        assert kernel.services.maybe(First) is None
        async with asyncio.timeout(5):
            while kernel.services.maybe(First) is None:
                await asyncio.sleep(0.02)
        assert kernel.plugins()[0].state == "ready"
        assert (await kernel.health()).state == "healthy"


async def test_a_service_that_fails_while_closing_does_not_hold_back_the_others(make_kernel):
    log = []

    @asynccontextmanager
    async def open_bad(config, context):
        yield None
        raise RuntimeError("while closing")

    async with make_kernel([offering(service("a", First, log), Service(name="z", provides=Third, open=open_bad))]):
        pass
    assert log == ["open a", "close a"]


async def test_the_health_of_a_service_counts(make_kernel):
    class Sick:
        async def health(self):
            return unhealthy("broken leg", remedy="a doctor")

    @asynccontextmanager
    async def open_it(config, context):
        yield Sick()

    async with make_kernel([offering(Service(name="a", provides=First, open=open_it, critical=True))]) as kernel:
        report = await kernel.health()
        assert report.state == "unhealthy"
        assert "broken leg" in report.error
