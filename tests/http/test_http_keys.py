"""The key file: A-10, A-12, A-20, A-23, F-02, F-30 and `symbi keys`."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from litestar import get

from symbi.cli.main import symbi
from symbi.contracts.errors import ConfigError, RateLimited, Unauthorized, Unavailable
from symbi.contracts.principal import Principal
from symbi.http import hashing
from symbi.http.authority import Authority
from symbi.http.keys import KeyRecord, edit_keys, keys_path, load_keys, principal_of_key
from symbi.http.tokens import StaticToken
from symbi.testing.clock import FakeClock

TOKEN = "a-long-enough-token-0123456789"
SECRET = "the-secret-of-the-key"
HASH = hashing.hash_secret(SECRET)


def record(key_id: str = "sk_one", **changes: Any) -> KeyRecord:
    return KeyRecord(**{"key_id": key_id, "key_hash": HASH, "created_at": "2026-01-01T00:00:00Z", **changes})


def write(folder: Path, *records: KeyRecord) -> Path:
    folder.mkdir(exist_ok=True)
    path = keys_path(folder)
    with edit_keys(path) as found:
        found.clear()
        found.update({each.key_id: each for each in records})
    return path


def authority(path: Path, clock: Any = None, *, token: bool = True) -> Authority:
    return Authority(token=StaticToken(TOKEN) if token else None, keys=path, clock=clock or FakeClock())


def bearer(secret: str = SECRET, key_id: str = "sk_one") -> bytes:
    return f"Bearer {key_id}.{secret}".encode()


async def test_a20_key_file_is_the_sole_authority(tmp_path: Path) -> None:
    door = authority(write(tmp_path, record()))
    assert (await door.authenticate(bearer(), client="1")).id == "key:sk_one"
    with pytest.raises(Unauthorized):
        await door.authenticate(f"Bearer {TOKEN}".encode(), client="1")


async def test_keys_made_while_the_server_runs_take_over_at_once(tmp_path: Path) -> None:
    door = authority(keys_path(tmp_path))
    assert (await door.authenticate(f"Bearer {TOKEN}".encode(), client="1")).id == "token"
    write(tmp_path, record())
    with pytest.raises(Unauthorized):
        await door.authenticate(f"Bearer {TOKEN}".encode(), client="1")
    assert (await door.authenticate(bearer(), client="1")).admin


async def test_vanished_or_damaged_file_closes_the_door(tmp_path: Path) -> None:
    path = write(tmp_path, record())
    door = authority(path)
    await door.authenticate(bearer(), client="1")
    good = path.read_bytes()
    path.write_bytes(b"[")
    with pytest.raises(Unavailable):
        await door.authenticate(bearer(), client="1")
    path.unlink()
    with pytest.raises(Unavailable):
        await door.authenticate(f"Bearer {TOKEN}".encode(), client="1")
    path.touch(0o600)
    path.write_bytes(good)
    assert (await door.authenticate(bearer(), client="1")).id == "key:sk_one"


async def test_revoked_key_is_refused_although_it_is_remembered(tmp_path: Path) -> None:
    door = authority(write(tmp_path, record(), record("sk_two")))
    await door.authenticate(bearer(), client="1")
    write(tmp_path, record(revoked=True), record("sk_two"))
    with pytest.raises(Unauthorized):
        await door.authenticate(bearer(), client="1")


async def test_key_is_refused_after_its_day(tmp_path: Path) -> None:
    clock = FakeClock()
    until = clock.now().replace(year=clock.now().year + 1).isoformat()
    door = authority(write(tmp_path, record(expires_at=until), record("sk_bad", expires_at="whenever")), clock)
    await door.authenticate(bearer(), client="1")
    with pytest.raises(Unauthorized):
        await door.authenticate(bearer(key_id="sk_bad"), client="1")
    await clock.advance(400 * 86400)
    with pytest.raises(Unauthorized):
        await door.authenticate(bearer(), client="1")


@pytest.mark.parametrize(
    "header",
    [
        b"Bearer sk_one",
        b"Bearer sk_one.",
        b"Bearer .x",
        b"Bearer sk_one.wrong",
        b"Bearer sk_none.x",
        b"Bearer " + b"x." * 4000,
    ],
)
async def test_bad_credentials_are_refused(tmp_path: Path, header: bytes) -> None:
    with pytest.raises(Unauthorized):
        await authority(write(tmp_path, record())).authenticate(header, client="1")


async def test_a10_f30_one_verify_per_key_and_the_same_cost_for_an_unknown_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def counted(secret: bytes, phc: str) -> bool:
        calls.append(phc)
        return secret == SECRET.encode() and phc == HASH

    monkeypatch.setattr(hashing, "verify_secret", counted)
    clock = FakeClock()
    door = authority(write(tmp_path, record()), clock)
    for _ in range(5):
        await door.authenticate(bearer(), client="1")
    assert calls == [HASH]
    with pytest.raises(Unauthorized):
        await door.authenticate(bearer(key_id="sk_none"), client="1")
    assert calls == [HASH, hashing.DUMMY_HASH]
    await clock.advance(61)
    await door.authenticate(bearer(), client="1")
    assert len(calls) == 3


async def test_guessing_is_limited_by_client_and_a_known_key_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "verify_secret", lambda secret, phc: secret == SECRET.encode())
    door = authority(write(tmp_path, record()))
    await door.authenticate(bearer(), client="1")
    outcomes = []
    for number in range(40):
        try:
            await door.authenticate(bearer(f"guess{number}"), client="1")
        except (Unauthorized, RateLimited) as error:
            outcomes.append(type(error))
    assert outcomes.count(Unauthorized) == 19
    assert (await door.authenticate(bearer(), client="1")).id == "key:sk_one"
    assert (await door.authenticate(bearer(), client="2")).id == "key:sk_one"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a23_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path, record())
    path.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        authority(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'[{"key_id": "x"}]',
        b'[{"key_id":"a b","key_hash":"$argon2id$x","created_at":""}]',
        b"\xff",
        b"null",
    ],
)
def test_f02_a12_unusable_file_refuses_the_start(tmp_path: Path, content: bytes) -> None:
    path = keys_path(tmp_path)
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=r"key file"):
        authority(path)


def test_hash_is_argon2id_with_the_parameters_of_the_spec() -> None:
    assert HASH.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hashing.verify_secret(SECRET.encode(), HASH)
    assert not hashing.verify_secret(b"other", HASH)
    assert not hashing.verify_secret(SECRET.encode(), "$argon2id$nonsense")
    assert not hashing.verify_secret(b"x", hashing.DUMMY_HASH)


def test_what_a_key_reaches() -> None:
    assert principal_of_key(record()).admin
    limited = principal_of_key(record(agent_scope=["a"]))
    assert not limited.admin
    assert limited.may_use_agent("a")
    assert not limited.may_use_agent("b")
    assert principal_of_key(record(scopes=["x"])) == Principal(
        id="key:sk_one", kind="key", scopes=frozenset({"x"}), display_name="sk_one"
    )


def test_keys_commands_make_list_and_revoke(tmp_path: Path) -> None:
    run = CliRunner()
    base = ["--data-dir", str(tmp_path)]
    made = json.loads(
        run.invoke(
            symbi, [*base, "keys", "create", "--agent", "a1", "--description", "dash", "--expires-days", "2", "--json"]
        ).stdout
    )
    key_id, _, secret = made["key"].partition(".")
    path = keys_path(tmp_path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert secret not in path.read_text()
    assert hashing.verify_secret(secret.encode(), load_keys(path)[key_id].key_hash)
    plain = run.invoke(symbi, [*base, "keys", "create"])
    assert plain.exit_code == 0
    assert plain.stdout.startswith("sk_")
    listed = json.loads(run.invoke(symbi, [*base, "keys", "list", "--json"]).stdout)["keys"]
    assert [each["agents"] for each in listed] == [["a1"], None]
    assert run.invoke(symbi, [*base, "keys", "revoke", key_id]).exit_code == 0
    assert load_keys(path)[key_id].revoked
    assert run.invoke(symbi, [*base, "keys", "revoke", "sk_none"]).exception is not None


async def test_scoped_key_is_kept_from_admin_routes(make_client: Any, tmp_path: Path) -> None:
    @get("/mine")
    async def mine(principal: Principal) -> list[str]:
        return sorted(principal.agents or ())

    (tmp_path / "data").mkdir(mode=0o700)
    write(tmp_path / "data", record(agent_scope=["a1"]))
    async with make_client([mine]) as client:
        headers = {"Authorization": bearer()}
        assert (await client.get("/api/v1/mine", headers=headers)).json() == ["a1"]
        answer = await client.get("/api/v1/plugins", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "ADMIN_REQUIRED")
