"""The store with its routes, audit records, figures and health."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.errors import Conflict
from symbi.contracts.principal import LOCAL_ADMIN
from symbi.contracts.secret import Secret
from symbi.contracts.secrets import SecretNotFound, SecretStore

CANARY = "canary-9f31-plain-words"
PLUGINS = ["symbi_secrets.plugin"]


async def test_set_get_and_names(make_kernel: Any) -> None:
    async with make_kernel(PLUGINS) as kernel:
        store = kernel.services.get(SecretStore)
        await store.set("b/one", Secret(CANARY), by=LOCAL_ADMIN)
        assert await store.names() == ["b/one"]
        value = await store.get("b/one")
        assert value.reveal() == CANARY
        assert CANARY not in f"{value!r} {value} {store.__dict__}"
        with pytest.raises(TypeError):
            pickle.dumps(value)
        with pytest.raises(SecretNotFound):
            await store.get("b/two")


async def test_only_names_of_the_allow_list_come_from_the_environment(make_kernel: Any) -> None:
    environ = {"MAIL_PASSWORD": CANARY, "OTHER": "another value", "HOME": "/root"}
    async with make_kernel(
        PLUGINS, tables={"secrets": {"environment": ["MAIL_PASSWORD", "GONE"]}}, environ=environ
    ) as kernel:
        store = kernel.services.get(SecretStore)
        assert (await store.get("MAIL_PASSWORD")).reveal() == CANARY
        assert await store.names() == ["MAIL_PASSWORD"]
        for name in ("OTHER", "HOME", "GONE"):
            with pytest.raises(SecretNotFound):
                await store.get(name)
        with pytest.raises(Conflict):
            await store.set("MAIL_PASSWORD", Secret("something else"), by=LOCAL_ADMIN)
        health = await store.health()
        assert (health.state, health.figures["missing"]) == ("healthy", ["GONE"])


async def test_no_route_answers_with_a_value(make_app: Any, tmp_path: Path) -> None:
    async with make_app(PLUGINS) as app:
        answers = [
            await app.client.post("/secrets", json={"name": "a/b", "value": CANARY}),
            await app.client.post("/secrets", json={"name": "a/b", "value": CANARY + "2"}),
            await app.client.get("/secrets"),
            await app.client.get("/secrets/a/b"),
            await app.client.post("/secrets", json={"name": "a b", "value": CANARY}),
            await app.client.post("/secrets", json={"name": "c", "value": [CANARY]}),
            await app.client.post("/secrets", content=f'{{"name": "c", "value": "{CANARY}" oops'),
            await app.client.post("/secrets", json={"name": "c", "value": "abc"}),
            await app.client.post("/secrets/rotate"),
            await app.client.delete("/secrets/a/b"),
            await app.client.delete("/secrets/a/b"),
        ]
        assert [each.status_code for each in answers] == [200, 200, 200, 405, 400, 400, 400, 400, 200, 200, 404]
        assert answers[1].json()["version"] == 2
        assert answers[2].json()["secrets"][0]["name"] == "a/b"
        assert answers[8].json() == {"resealed": 1}
        assert not [each.text for each in answers if CANARY in each.text]
        assert (await app.anonymous.get("/secrets")).status_code == 401
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]


async def test_health_says_what_is_wrong(make_kernel: Any) -> None:
    async with make_kernel(PLUGINS) as kernel:
        store = kernel.services.get(SecretStore)
        await store.set("one", Secret(CANARY), by=LOCAL_ADMIN)
        assert (await store.health()).figures["master_key"] == "generated"
        for key in (kernel.settings.data_dir / "secrets").glob("master-*"):
            key.unlink()
        store._vault._opened = None
        health = await store.health()
        assert health.state == "unhealthy"
        assert CANARY not in health.reason


async def test_secrets_are_counted(make_kernel: Any) -> None:
    from symbi_secrets.figures import collect_flat

    async with make_kernel(PLUGINS) as kernel:
        store = kernel.services.get(SecretStore)
        for number in range(3):
            await store.set(f"n{number}", Secret(CANARY), by=LOCAL_ADMIN)
        assert await collect_flat(kernel) == {"secrets_count": 3}
