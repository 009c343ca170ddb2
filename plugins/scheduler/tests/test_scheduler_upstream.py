"""C13: an upstream database maps weekdays 1-7 (Sunday = 1) and reports each job that it changed."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner
from scheduler_world import StandIns

from symbi.cli.state import CliState
from symbi.testing.kernels import closed_manager
from symbi_scheduler.cli import cron
from symbi_scheduler.upstream import read_upstream, translate_weekdays


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("0 0 18 * * 1", "0 0 18 * * SUN"),
        ("0 0 9 * * 2-6", "0 0 9 * * MON-FRI"),
        ("0 0 9 * * 1,7", "0 0 9 * * SUN,SAT"),
        ("0 0 9 * * 2/2", "0 0 9 * * MON/2"),
        ("0 0 9 * * Mon 2027", "0 0 9 * * Mon 2027"),
        ("0 0 9 * * *", "0 0 9 * * *"),
    ],
)
def test_weekdays(theirs: str, ours: str) -> None:
    assert translate_weekdays(theirs) == ours


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "cron_jobs.db"
    with sqlite3.connect(path) as conn:
        conn.execute(
            "CREATE TABLE cron_jobs (job_id TEXT, name TEXT, cron_expression TEXT, timezone TEXT, agent_config TEXT, policy_ids TEXT, status TEXT, "
            "enabled INTEGER, one_shot INTEGER, max_retries INTEGER, max_concurrent INTEGER, jitter_max_secs INTEGER)"
        )
        rows = [
            ("1", "sundays", "0 0 18 * * 1", "UTC", json.dumps({"name": "a"}), "[]", "Active", 1, 0, 3, 1, 0),
            (
                "2",
                "paused",
                "0 0 9 * * *",
                "Europe/Berlin",
                json.dumps({"name": "a"}),
                '["p"]',
                "Paused",
                0,
                0,
                3,
                1,
                0,
            ),
            ("3", "broken", "0 0 9 * *", "UTC", json.dumps({"name": "a"}), "[]", "Active", 1, 0, 3, 1, 0),
        ]
        conn.executemany(f"INSERT INTO cron_jobs VALUES ({', '.join('?' * 12)})", rows)
    return path


def test_import_makes_what_it_can_and_says_what_it_changed(database: Path, tmp_path: Path) -> None:
    def symbi(*arguments: str) -> tuple[int, dict[str, list[dict[str, object]]]]:
        state = CliState(data_dir=tmp_path / "data")
        state.__dict__["manager"] = closed_manager(StandIns(), "symbi_scheduler.plugin")
        found = CliRunner().invoke(cron, [*arguments, "--json"], obj=state)
        return found.exit_code, json.loads(found.stdout)

    code, report = symbi("import", str(database))
    assert code == 1
    assert [bool(job["job_id"]) for job in report["jobs"]] == [True, True, False]
    assert report["jobs"][0]["changes"] == ["weekdays: 0 0 18 * * 1 is 0 0 18 * * SUN here"]
    assert "6 fields" in str(report["jobs"][2]["fault"])
    _, listed = symbi("list")
    assert {job["name"]: job["status"] for job in listed["schedules"]} == {"sundays": "active", "paused": "paused"}


def test_what_is_no_such_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.db").write_text("no database")
    for path in (tmp_path / "missing.db", tmp_path / "other.db"):
        assert (
            CliRunner()
            .invoke(cron, ["import", str(path), "--dry-run"], obj=CliState(data_dir=tmp_path / "data"))
            .exit_code
            == 2
        )
    assert len(read_upstream_of_nothing(tmp_path)) == 0


def read_upstream_of_nothing(folder: Path) -> list[object]:
    path = folder / "empty.db"
    with sqlite3.connect(path) as conn:
        conn.execute("CREATE TABLE cron_jobs (name TEXT)")
    return list(read_upstream(path))
