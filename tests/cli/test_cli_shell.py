"""The shell: lazy, quick, groups shared by plugins, errors with the next step."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from symbi.cli.main import symbi


def run(*arguments, cwd=None, environ=None):
    """Run the real command in a process of its own."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("SYMBI", "API_AUTH"))}
    return subprocess.run(
        [sys.executable, "-m", "symbi.cli", *map(str, arguments)],
        cwd=cwd,
        env={**env, **(environ or {})},
        capture_output=True,
        text=True,
    )


def test_help_is_shown_and_imports_no_litestar_and_no_sqlalchemy():
    code = (
        "import sys\nsys.argv = ['symbi', '--help']\nfrom symbi.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as e:\n    assert not e.code\n"
        "bad = [name for name in ('litestar', 'sqlalchemy', 'httpx', 'rich.console', 'psutil') if name in sys.modules]\nassert not bad, bad"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "doctor" in result.stdout


def test_version_and_wrong_usage():
    assert run("--version").stdout.startswith("symbi ")
    wrong = run("plugns")
    assert wrong.returncode == 2
    assert "Did you mean 'plugins'?" in wrong.stderr


def test_init_writes_a_project_with_a_token_that_only_the_owner_can_read(tmp_path):
    result = run("init", "p", "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    written = json.loads(result.stdout)["written"]
    assert "p/symbi.toml" in written
    env = tmp_path / "p" / ".env"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    token = env.read_text()
    again = run("init", "p", cwd=tmp_path)
    assert again.returncode == 2
    assert "already there" in again.stderr
    assert run("init", "p", "--force", cwd=tmp_path).returncode == 0
    assert env.read_text() == token


def test_plugins_list_and_doctor_are_json_on_demand(fake_distribution, tmp_path, monkeypatch):
    fake_distribution.add("trap", "raise ValueError('boom')")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "symbi.toml").write_text('[plugins]\nonly = ["trap"]\n')
    listed = CliRunner().invoke(symbi, ["plugins", "list", "--json"])
    record = next(each for each in json.loads(listed.stdout)["plugins"] if each["name"] == "trap")
    assert record["state"] == "broken"
    assert record["error"] == "import: ValueError: boom"
    assert {"name", "state", "distribution", "version", "hooks", "offers", "error", "import_ms"} <= set(record)
    doctor = CliRunner().invoke(symbi, ["plugins", "doctor", "--json"])
    assert doctor.exit_code == 1
    assert json.loads(doctor.stdout)["plugins"]


def test_two_plugins_may_share_a_group(fake_distribution, tmp_path, monkeypatch):
    source = """
import click
from symbi import Command, hookimpl

@click.command()
def {name}():
    "Say {name}."
    click.echo("{name}")

@hookimpl
def commands():
    yield Command(name="shared {name}", load=__name__ + ":{name}", summary="Say {name}.")
"""
    fake_distribution.add("one", source.format(name="alpha"))
    fake_distribution.add("two", source.format(name="beta"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "symbi.toml").write_text('[plugins]\nonly = ["one", "two"]\n')
    assert CliRunner().invoke(symbi, ["shared", "alpha"]).output == "alpha\n"
    assert CliRunner().invoke(symbi, ["shared", "beta"]).output == "beta\n"
    assert "Say beta." in CliRunner().invoke(symbi, ["shared", "--help"]).output


def test_a_command_that_cannot_be_loaded_says_so(fake_distribution, tmp_path):
    fake_distribution.add(
        "bad",
        "from symbi import Command, hookimpl\n@hookimpl\ndef commands():\n    yield Command(name='bad', load='no_such:thing', summary='…')\n",
    )
    (tmp_path / "symbi.toml").write_text('[plugins]\nonly = ["bad"]\n')
    result = run("bad", cwd=tmp_path, environ={"PYTHONPATH": str(fake_distribution.folder)})
    assert result.returncode == 1
    assert "cannot be loaded" in result.stderr
    assert "symbi plugins doctor" in result.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [("[servr]\n", "did you mean 'server'"), ("x = ", "not valid TOML"), ("[server]\nport = 'x'\n", "server.port")],
)
def test_a_wrong_configuration_refuses_the_start_in_one_sentence(tmp_path, content, words):
    (tmp_path / "symbi.toml").write_text(content)
    result = run("up", "--port", "0", "--no-plugins", cwd=tmp_path)
    assert result.returncode == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_doctor_names_the_remedy(tmp_path):
    (tmp_path / "symbi.toml").write_text('[plugins]\nonly = ["nothing"]\n')
    result = run("doctor", "--json", cwd=tmp_path)
    assert result.returncode == 1
    found = json.loads(result.stdout)
    assert not found["ok"]
    assert any(check["remedy"] for check in found["checks"] if not check["ok"])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(shell):
    result = CliRunner().invoke(symbi, ["completion", shell])
    assert result.exit_code == 0
    assert "_SYMBI_COMPLETE" in result.output


def test_a_new_plugin_is_written_and_passes_its_own_tests(tmp_path):
    result = run("plugins", "new", "weather", "--directory", tmp_path)
    assert result.returncode == 0, result.stderr
    folder = tmp_path / "symbi-weather"
    assert run("plugins", "new", "weather", "--directory", tmp_path).returncode == 2
    assert run("plugins", "new", "Bad Name", "--directory", tmp_path).returncode == 2
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", str(folder)],
        capture_output=True, text=True, cwd=folder, env={**os.environ, "PYTHONPATH": str(folder / "src")},
    )  # fmt: skip
    assert tests.returncode == 0, tests.stdout + tests.stderr
    assert Path(folder / "src" / "symbi_weather" / "py.typed").exists()
