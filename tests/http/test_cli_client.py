"""How commands reach the runtime: over HTTP where a server runs, in this process where none does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from symbi.cli.client import _parse_events, api, running_server
from symbi.cli.state import CliState
from symbi.http.server import server_file

PROGRAM = Path(__file__).with_name("server_program.py")
TOKEN = "a-long-enough-token-0123456789"


@click.command()
@click.argument("path")
@click.option("--body")
@click.pass_context
def call(ctx: click.Context, path: str, body: str | None) -> None:
    with api(ctx) as client:
        answer = client.get(path) if body is None else client.post(path, json.loads(body))
        click.echo(json.dumps({"where": client.where, "answer": answer}))


def run(data_dir: Path, *arguments: str) -> Any:
    return CliRunner().invoke(call, list(arguments), obj=CliState(data_dir=data_dir, plugins=False))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SYMBIONT_API_TOKEN", raising=False)
    monkeypatch.delenv("API_AUTH_TOKEN", raising=False)


def test_without_a_server_the_runtime_is_opened_here_as_the_local_operator(tmp_path: Path) -> None:
    done = run(tmp_path / "data", "/status")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert "in this process" in found["where"]
    assert found["answer"]["healthy"] is True
    assert not server_file(tmp_path / "data").exists()


def test_errors_are_printed_and_set_the_exit_code(tmp_path: Path) -> None:
    missing = run(tmp_path / "data", "/agents/none/status")
    assert missing.exit_code == 1
    assert "NOT_FOUND" in missing.stderr
    assert missing.stdout == ""


def test_with_a_server_the_commands_talk_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    process = subprocess.Popen([sys.executable, str(PROGRAM), str(data), "0", "1"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert running_server(data) == url
        refused = run(data, "/status")
        assert refused.exit_code == 1
        assert "API_AUTH_TOKEN" in refused.stderr
        monkeypatch.setenv("API_AUTH_TOKEN", TOKEN)
        found = json.loads(run(data, "/status").stdout)
        assert found["where"] == f"the server at {url}"
        assert json.loads(run(data, "/take", "--body", '{"a": 1}').stdout)["answer"] == {"a": 1}
        assert run(data, "/take", "--body", json.dumps("x" * 2000)).exit_code == 2
    finally:
        process.kill()
        process.wait()
    assert server_file(data).exists()
    assert running_server(data) is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"url": "http://127.0.0.1:1", "pid": "x"}',
        f'{{"url": "http://127.0.0.1:1", "pid": {os.getpid()}}}',
    ],
)
def test_what_a_killed_server_left_behind_is_not_believed(tmp_path: Path, content: str) -> None:
    server_file(tmp_path).write_text(content)
    assert running_server(tmp_path) is None


def test_events_are_parsed() -> None:
    text = ': open\n\nid: 1\nevent: step\ndata: {"a": 1}\n\n: still here\n\ndata: 2\n\nid: 9\n\n'
    assert list(_parse_events(iter(text.split("\n")))) == [
        {"id": "1", "event": "step", "data": {"a": 1}},
        {"id": None, "event": None, "data": 2},
    ]
