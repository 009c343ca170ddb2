"""`symbi audit …` on files, without a server."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from symbi.cli.state import CliState
from symbi_audit.cli import audit
from symbi_audit.config import AuditPlaces
from symbi_audit.segments import list_segments
from symbi_audit.service import AuditService

OpenLog = Callable[..., AbstractAsyncContextManager[AuditService]]


@pytest.fixture
def run(data_dir: Path) -> Callable[..., Result]:
    return lambda *words: CliRunner().invoke(audit, list(words), obj=CliState(data_dir=data_dir, plugins=False))


@pytest.fixture
async def filled(open_log: OpenLog) -> None:
    async with open_log() as log:
        await log.append(
            "policy.decision",
            principal="user:ann",
            subject="tool:http_get",
            outcome="deny",
            details={"why": "no \x1b[31mpermit"},
        )
        await log.append("key.created", principal="token", subject="key:1", outcome="done")


@pytest.mark.usefixtures("filled")
def test_verify_says_how_many_hold(run: Callable[..., Result]) -> None:
    done = run("verify", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"ok": True, "records": 4, "first_bad": None, "reason": ""}
    assert "4 records hold" in run("verify").output


@pytest.mark.usefixtures("filled")
def test_verify_ends_with_1_and_names_the_first_bad_record(run: Callable[..., Result], places: AuditPlaces) -> None:
    path = list_segments(places.folder)[0].path
    path.write_bytes(path.read_bytes().replace(b"user:ann", b"user:bob"))
    done = run("verify", "--json")
    assert done.exit_code == 1
    verdict = json.loads(done.stdout)
    assert (verdict["ok"], verdict["first_bad"]) == (False, 2)
    assert run("verify").exit_code == 1


def test_no_log_yet_is_no_fault_and_a_missing_key_is_wrong_usage(run: Callable[..., Result]) -> None:
    done = run("verify", "--json")
    assert (done.exit_code, json.loads(done.stdout)["records"]) == (0, 0)
    assert run("verify", "--key", "nowhere.pem").exit_code == 2


@pytest.mark.usefixtures("filled")
def test_verify_with_a_key_kept_elsewhere(run: Callable[..., Result], places: AuditPlaces) -> None:
    assert run("verify", "--key", str(places.folder / "public.pem")).exit_code == 0
    assert run("verify", "--key", str(places.folder / "key.pem")).exit_code == 1


@pytest.mark.usefixtures("filled")
def test_tail_shows_the_newest_and_no_control_characters(run: Callable[..., Result]) -> None:
    lines = run("tail", "-n", "3").output.splitlines()
    assert [line.split()[0] for line in lines] == ["2", "3", "4"]
    assert "\x1b" not in run("tail").output
    assert len(run("tail", "--kind", "policy").output.splitlines()) == 1


async def test_follow_shows_what_comes_later_and_ends_well_with_ctrl_c(open_log: OpenLog, data_dir: Path) -> None:
    code = "from symbi.cli.main import main; main()"
    async with open_log() as log:
        command = [sys.executable, "-c", code, "--data-dir", str(data_dir), "audit", "tail", "-n", "1", "--follow"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as follower:
            assert follower.stdout is not None
            assert "audit.opened" in follower.stdout.readline()
            await log.append("test.later", principal="x")
            assert "test.later" in follower.stdout.readline()
            follower.send_signal(signal.SIGINT)
            assert follower.wait(10) == 0


@pytest.mark.usefixtures("filled")
def test_export_as_jsonl_and_as_opentelemetry_logs(run: Callable[..., Result]) -> None:
    """POL-50."""
    records = [json.loads(line) for line in run("export", "--after", "1").stdout.splitlines()]
    assert [record["seq"] for record in records] == [2, 3, 4]
    (line,) = run("export", "--format", "otel", "--kind", "policy").stdout.splitlines()
    log = json.loads(line)["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    assert log["eventName"] == "symbi.audit.policy.decision"
    assert log["severityText"] == "WARN"
    assert int(log["timeUnixNano"]) > 1_600_000_000 * 10**9
    assert {"key": "symbi.audit.principal", "value": {"stringValue": "user:ann"}} in log["attributes"]


async def test_the_log_of_a_second_node_is_checked_too_and_shown_by_its_name(
    run: Callable[..., Result], open_log: OpenLog, data_dir: Path
) -> None:
    async with open_log(), open_log() as second:
        await second.append("test.second", principal="x")
    assert json.loads(run("verify", "--json").stdout)["records"] == 5
    assert "test.second" not in run("tail").output
    assert "test.second" in run("tail", "--log", "audit-2").output
    assert run("export", "--log", "audit-3").exit_code == 2
    path = next((data_dir / "audit-2").glob("*.jsonl"))
    path.write_bytes(path.read_bytes().replace(b"test.second", b"test.ss"))
    assert json.loads(run("verify", "--json").stdout)["reason"].startswith("audit-2: ")


def test_importing_the_plugin_loads_no_vendor_library() -> None:
    code = (
        "import sys, symbi_audit.plugin as p; [list(h()) for h in (p.services, p.routes, p.commands)];"
        "assert not {'cryptography', 'sqlalchemy', 'litestar', 'click'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.usefixtures("filled")
def test_the_installed_command_finds_it(data_dir: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from symbi.cli.main import main; main()",
            "--data-dir",
            str(data_dir),
            "audit",
            "verify",
            "--json",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["records"] == 4
