"""The commands `symbi dsl check`, `symbi dsl show` and `symbi fmt` (design/interfaces.md)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from symbi_dsl.cli.fmt import fmt
from symbi_dsl.cli.group import dsl

GOOD = 'metadata {\n    version = "1",\n    description = "d",\n}\n\nagent a {\n    policy p {\n        deny: x\n    }\n}\n'
BROKEN = "agent b {\n  with {\n    if x and y { }\n  }\n}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with good, broken, badly encoded and unrelated files, and go there."""
    (tmp_path / "agents" / ".hidden").mkdir(parents=True)
    (tmp_path / "agents" / "good.symbi").write_text(GOOD)
    (tmp_path / "agents" / "broken.dsl").write_text(BROKEN)
    (tmp_path / "agents" / "latin.symbi").write_bytes(b'agent c { name: "\xe9" }')
    (tmp_path / "agents" / "UPPER.SYMBI").write_text("not looked at")
    (tmp_path / "agents" / ".hidden" / "x.symbi").write_text("not looked at")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(command: Any, *arguments: str, given: bytes | None = None) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(command, arguments, input=given)


def test_check_one_good_file(folder: Path) -> None:
    """A good file gives exit 0 and one JSON document with exactly the promised keys."""
    done = call(dsl, "check", "agents/good.symbi", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"files": [{"path": "agents/good.symbi", "ok": True, "diagnostics": []}]}


def test_check_a_folder(folder: Path) -> None:
    """A folder is walked for .symbi and .dsl files, in order; a broken one gives exit 1 and its diagnostics."""
    done = call(dsl, "check", "agents", "--json")
    assert done.exit_code == 1
    files = {item["path"]: item for item in json.loads(done.stdout)["files"]}
    assert list(files) == ["agents/broken.dsl", "agents/good.symbi", "agents/latin.symbi"]
    error = next(item for item in files["agents/broken.dsl"]["diagnostics"] if item["severity"] == "error")
    assert error == {
        "severity": "error",
        "code": "E205",
        "message": "'and' is not an operator",
        "hint": "use `&&`",
        "line": 3,
        "column": 10,
        "end_line": 3,
        "end_column": 13,
    }
    assert [item["code"] for item in files["agents/latin.symbi"]["diagnostics"]] == ["E107"]


def test_check_for_people(folder: Path) -> None:
    """People get the place, the line with a caret and the hint, on stderr."""
    done = call(dsl, "check", "agents/broken.dsl")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert "agents/broken.dsl:3:10: error E205: 'and' is not an operator" in done.stderr
    assert "    3 |     if x and y { }\n      |          ^^^\n" in done.stderr
    assert "try: use `&&`" in done.stderr


def test_check_exit_codes(folder: Path) -> None:
    """0 good (an empty file too, with a warning), 1 not good, 2 unreadable or wrong usage."""
    (folder / "empty.symbi").write_text("")
    assert call(dsl, "check", "empty.symbi").exit_code == 0
    assert "W300" in call(dsl, "check", "empty.symbi").stderr
    assert call(dsl, "check", "nowhere.symbi").exit_code == 2
    assert call(dsl, "check", "nowhere.symbi", "agents/good.symbi", "--json").exit_code == 2
    assert call(dsl, "check").exit_code == 2
    assert call(dsl, "check", "--nonsense").exit_code == 2
    os.mkfifo(folder / "pipe")
    assert call(dsl, "check", "pipe").exit_code == 2


def test_check_a_project(folder: Path) -> None:
    """With --project references between files are checked, and twice declared agents; without it files stand alone."""
    project = folder / "project"
    project.mkdir()
    (project / "one.symbi").write_text('agent one {}\nschedule s { cron: "0 0 0 * * *" agent: two }\n')
    assert call(dsl, "check", "project/one.symbi").exit_code == 0
    assert call(dsl, "check", "--project", "project").exit_code == 1
    (project / "two.symbi").write_text("agent two {}\n")
    assert call(dsl, "check", "--project", "project").exit_code == 0
    (project / "three.symbi").write_text("agent two {}\n")
    done = call(dsl, "check", "--project", "project", "--json")
    assert done.exit_code == 1
    assert "E401" in done.stdout


def test_show(folder: Path) -> None:
    """The JSON has a list for each kind of thing, each object with its name, typed values, and no literal secret."""
    (folder / "all.symbi").write_text(
        """metadata { version = "1" tags = ["x"] }
type T = { a: int }
function helper(n: int = 2) -> int { n }
policy top { deny: z }
agent a(x: T, n: int = 1) -> string {
  capabilities: [read]
  policy p { allow: read(f) if f.size < 3 }
  with sandbox = "docker", timeout = "1h 30m", memory = session { helper() }
}
schedule s { cron: "0 7 * * 1" agent: a policy: "p" deliver: "stdout" }
channel c { platform: slack policy q { allow: x } }
webhook w { path: "/w" secret: "literal" filter { json_path: "$.a" equals: "b" } }
webhook v { path: "/v" secret: vault://a/b }
memory m { search { } }
"""
    )
    done = call(dsl, "show", "all.symbi", "--json")
    assert done.exit_code == 0, done.stderr
    shown = json.loads(done.stdout)
    assert list(shown) == [
        "agents",
        "metadata",
        "policies",
        "schedules",
        "channels",
        "webhooks",
        "memories",
        "functions",
        "types",
    ]
    agent = shown["agents"][0]
    wanted = {
        "name": "a",
        "capabilities": ["read"],
        "returns": "string",
        "sandbox": "tier1",
        "sandbox_source": "docker",
        "timeout_seconds": 5400,
        "memory": "session",
    }
    assert wanted.items() <= agent.items()
    assert agent["parameters"][1]["default"] == 1
    assert agent["policies"] == [
        {"name": "p", "line": 7, "rules": [{"effect": "allow", "target": "read(f)", "guard": "f.size < 3", "line": 7}]}
    ]
    schedule = shown["schedules"][0]
    assert {"name": "s", "cron": "0 0 7 * * 1", "cron_source": "0 7 * * 1", "policy": "p"}.items() <= schedule.items()
    assert [item["secret"] for item in shown["webhooks"]] == ["***", "vault://a/b"]
    assert shown["webhooks"][0]["filter"] == {"json_path": "$.a", "equals": "b", "contains": None}
    assert shown["memories"][0]["search"] == {"vector_weight": 0.7, "keyword_weight": 0.3}
    assert "literal" not in done.stdout
    people = call(dsl, "show", "all.symbi")
    assert people.exit_code == 0
    assert "agent a(x: T, n: int)" in people.stdout
    assert "literal" not in people.stdout


def test_show_a_broken_file(folder: Path) -> None:
    """A broken file gives exit 1 and still one JSON document; a missing one gives 2."""
    done = call(dsl, "show", "agents/broken.dsl", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["diagnostics"]
    assert call(dsl, "show", "nowhere.symbi").exit_code == 2


def test_fmt_files(folder: Path) -> None:
    """Good files are formatted in one step though another is broken (exit 1); the mode and links stay."""
    ugly = folder / "ugly.symbi"
    ugly.write_text("agent a{}")
    ugly.chmod(0o640)
    link = folder / "link.symbi"
    link.symlink_to(ugly)
    done = call(fmt, "agents/broken.dsl", "link.symbi")
    assert done.exit_code == 1
    assert "formatted link.symbi" in done.stderr
    assert ugly.read_text() == "agent a {\n}\n"
    assert ugly.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    assert (folder / "agents" / "broken.dsl").read_text() == BROKEN
    assert not [name for name in os.listdir(folder) if name.startswith(".ugly")]


def test_fmt_check(folder: Path) -> None:
    """--check changes nothing and exits 1 if anything would change."""
    ugly = folder / "ugly.symbi"
    ugly.write_text("agent a{}")
    done = call(fmt, "--check", "ugly.symbi")
    assert done.exit_code == 1
    assert "would format ugly.symbi" in done.stderr
    assert ugly.read_text() == "agent a{}"
    assert call(fmt, "--check", "agents/good.symbi").exit_code == 0


def test_fmt_stdin(folder: Path) -> None:
    """--stdin writes to stdout; a broken text gives exit 1, diagnostics on stderr and nothing on stdout."""
    done = call(fmt, "--stdin", given=b"agent a{}")
    assert (done.exit_code, done.stdout) == (0, "agent a {\n}\n")
    broken = call(fmt, "--stdin", given=b"agent {")
    assert (broken.exit_code, broken.stdout) == (1, "")
    assert "E200" in broken.stderr
    assert call(fmt, "--stdin", "--check", given=b"agent a{}").exit_code == 1
    assert call(fmt, "--stdin", "x.symbi").exit_code == 2
    assert call(fmt).exit_code == 2
    assert call(fmt, "nowhere.symbi").exit_code == 2
    assert call(fmt, "--stdin", given=b"agent \xff").exit_code == 1


def test_names_of_files_that_are_no_text(folder: Path) -> None:
    """A file name that is no UTF-8, or that would write to the terminal, is shown escaped and breaks nothing."""
    (folder / "odd").mkdir()
    Path(os.fsdecode(b"odd/\xff\x1b[31m.symbi")).write_text(BROKEN)
    done = call(dsl, "check", "odd", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["files"][0]["path"].startswith("odd/\ufffd")
    assert "\x1b" not in call(dsl, "check", "odd").stderr.replace("\x1b[0m", "").replace("\x1b[31m\x1b[1m", "")
    assert call(fmt, "odd").exit_code == 1


def test_many_files_are_quick(tmp_path: Path) -> None:
    """A thousand small files take a few seconds at most."""
    for number in range(300):
        (tmp_path / f"a{number}.symbi").write_text(GOOD)
    started = time.process_time()
    assert call(dsl, "check", str(tmp_path), "--json").exit_code == 0
    assert time.process_time() - started < 2


def test_help_has_examples() -> None:
    """Every command's help shows an example, and loading the commands imports no server."""
    for command, words in ((dsl, ("check",)), (dsl, ("show",)), (fmt, ())):
        assert "Example:" in call(command, *words, "--help").stdout
    code = "import sys, symbi_dsl.cli.group, symbi_dsl.cli.fmt; print(sorted({'litestar', 'sqlalchemy', 'rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
