"""`symbi secrets …` without a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from symbi.cli.state import CliState
from symbi.testing.kernels import closed_manager
from symbi_secrets.cli import secrets

CANARY = "canary-9f31-plain-words"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)

    def invoke(*words: str, given: str = "") -> Result:
        state = CliState(data_dir=tmp_path / "data", plugins=False)
        state.__dict__["manager"] = closed_manager("symbi_secrets.plugin")
        return CliRunner().invoke(secrets, list(words), obj=state, input=given)

    return invoke


def test_set_list_rotate_remove(run: Callable[..., Result]) -> None:
    done = run("set", "github/token", given=CANARY + "\n")
    assert done.exit_code == 0, done.output
    listed = run("list", "--json")
    assert [each["name"] for each in json.loads(listed.stdout)["secrets"]] == ["github/token"]
    assert json.loads(run("rotate", "--json").stdout) == {"resealed": 1}
    assert run("remove", "github/token").exit_code == 0
    again = run("remove", "github/token")
    assert again.exit_code == 1
    assert CANARY not in done.output + listed.output + again.output


def test_wrong_usage_ends_with_2_and_a_value_is_never_an_argument(run: Callable[..., Result]) -> None:
    assert run("set", "a b", given=CANARY).exit_code == 2
    assert run("set", "name", CANARY).exit_code == 2
    assert run("set", "name", given="abc").exit_code == 2
