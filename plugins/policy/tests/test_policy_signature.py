"""Signed policy directories (POL-23)."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.errors import ConfigError, InvalidRequest
from symbi.testing.policy import Rule, request_for
from symbi_policy.loader import read_directory
from symbi_policy.signature import check_signature, load_public_key, make_key, sign

CLOCK = Rule(id="clock", effect="permit", tool="clock")


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Any]:
    public = make_key(tmp_path / "key.pem")
    return tmp_path / "key.pem", load_public_key(public)


@pytest.fixture
def directory(tmp_path: Path, keys: Any) -> Path:
    folder = tmp_path / "policies"
    (folder / "run").mkdir(parents=True)
    (folder / "a.cedar").write_text("// a\n")
    (folder / "run" / "b.cedar").write_text("// b\n")
    sign(folder, read_directory(folder).files, keys[0])
    return folder


def codes(folder: Path, key: Any) -> list[str]:
    return [each.code for each in read_directory(folder, public_key=key).findings]


def test_a_key_is_its_owners_alone_and_never_overwritten(tmp_path: Path, keys: Any) -> None:
    assert stat.S_IMODE(keys[0].stat().st_mode) == 0o600
    with pytest.raises(InvalidRequest):
        make_key(keys[0])


def test_what_is_signed_is_good(directory: Path, keys: Any) -> None:
    assert codes(directory, keys[1]) == []


@pytest.mark.parametrize("change", ["edit", "add", "remove", "move", "unsign", "garbage", "other key", "algorithm"])
def test_any_change_is_noticed(directory: Path, keys: Any, tmp_path: Path, change: str) -> None:
    signature = directory / "policies.sig"
    if change == "edit":
        (directory / "a.cedar").write_text("// A\n")
    elif change == "add":
        (directory / "c.cedar").write_text("")
    elif change == "remove":
        (directory / "a.cedar").unlink()
    elif change == "move":
        (directory / "run" / "b.cedar").rename(directory / "b.cedar")
    elif change == "unsign":
        signature.unlink()
    elif change == "garbage":
        signature.write_text("garbage")
    elif change == "algorithm":
        signature.write_text(signature.read_text().replace("ed25519", "none"))
    else:
        make_key(tmp_path / "other.pem")
        sign(directory, read_directory(directory).files, tmp_path / "other.pem")
    assert codes(directory, keys[1]) == ["signature"]
    assert check_signature(directory, read_directory(directory).files, keys[1])


def test_what_is_no_key_is_said(tmp_path: Path, directory: Path) -> None:
    (tmp_path / "x.pem").write_text("x")
    with pytest.raises(ConfigError, match=r"policy\.public_key"):
        load_public_key(tmp_path / "x.pem")
    with pytest.raises(InvalidRequest):
        sign(directory, [], tmp_path / "x.pem")


async def test_the_gate_denies_on_unsigned_policies_and_keeps_signed_ones(
    house: Any, tmp_path: Path, keys: Any
) -> None:
    policy = {"public_key": str(tmp_path / "key.pem.pub")}
    async with house(CLOCK, policy=policy) as h:
        assert (await h.gate.decide(request_for("clock"))).decision == "deny"
        sign(h.directory, read_directory(h.directory).files, keys[0])
        await h.gate.reload()
        assert (await h.gate.decide(request_for("clock"))).decision == "allow"


async def test_production_without_a_key_is_said(house: Any, caplog: pytest.LogCaptureFixture) -> None:
    async with house(CLOCK, environ={"SYMBIONT_ENV": "production"}):
        assert "policies need no signature here" in caplog.text
