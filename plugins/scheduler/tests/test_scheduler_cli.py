"""`symbi cron`: exactly what interfaces.md says, and quick to start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from scheduler_world import StandIns

from symbi.cli.state import CliState
from symbi.testing.kernels import closed_manager
from symbi_scheduler.cli import cron
from symbi_scheduler.cli.week import draw_week
from symbi_scheduler.config import SchedulerConfig


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cron, list(arguments), input=stdin)


def test_next_as_json_has_exactly_five_keys() -> None:
    found = run(
        "next",
        "0 30 2 * * *",
        "--timezone",
        "America/New_York",
        "--after",
        "2026-03-08T04:00:00Z",
        "--count",
        "2",
        "--json",
    )
    assert found.exit_code == 0
    assert json.loads(found.stdout) == {
        "expression": "0 30 2 * * *",
        "timezone": "America/New_York",
        "next_runs": ["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"],
        "warnings": [],
        "description": "At 02:30:00 (America/New_York).",
    }


def test_next_for_people_keeps_words_off_standard_output() -> None:
    found = run("next", "0 0 9 13 * FRI", "--after", "2026-01-01T00:00:00Z", "--count", "1")
    assert (found.exit_code, found.stdout) == (0, "2026-02-13T09:00:00Z\n")
    assert "warning: day and weekday" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "field"),
    [
        (["60 * * * * *"], "out_of_range", "second"),
        (["0 0 0 30 2 *"], "never_fires", "expression"),
        (["0 0 0 1 1 * 2024", "--after", "2026-01-01T00:00:00Z"], "in_the_past", "expression"),
        (["0 9 * * *"], "field_count", "expression"),
        (["0 0 9 * * *", "--timezone", "Mars/Olympus"], "unknown_timezone", "timezone"),
        ([""], "empty", "expression"),
    ],
)
def test_next_errors_are_one_document_and_exit_1(arguments: list[str], code: str, field: str) -> None:
    found = run("next", *arguments, "--json")
    error = json.loads(found.stdout)["error"]
    assert (found.exit_code, error["code"], error["field"], set(error)) == (
        1,
        code,
        field,
        {"code", "message", "field"},
    )


def test_after_is_exclusive_and_exhausted_expressions_give_a_shorter_list() -> None:
    found = run("next", "0 0 0 1 1 * 2026,2030", "--after", "2026-01-01T00:00:00Z", "--count", "5", "--json")
    assert json.loads(found.stdout)["next_runs"] == ["2030-01-01T00:00:00Z"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["0 0 9 * * *", "--count", "0"],
        ["0 0 9 * * *", "--count", "1001"],
        [],
        ["x", "--batch", "-"],
        ["0 0 9 * * *", "--dst-gap", "no"],
    ],
)
def test_wrong_usage_is_exit_2(arguments: list[str]) -> None:
    assert run("next", *arguments).exit_code == 2


def test_unreadable_after_is_exit_2() -> None:
    assert run("next", "0 0 9 * * *", "--after", "yesterday").exit_code == 2


def test_h_is_seeded_by_the_id() -> None:
    def times(ident: str) -> Any:
        return json.loads(run("next", "H H H * * *", "--id", ident, "--after", "2026-01-01T00:00:00Z", "--json").stdout)

    assert times("a")["next_runs"] == times("a")["next_runs"]
    assert times("a")["next_runs"] != times("b")["next_runs"]
    assert times("a")["warnings"] == []


def test_batch_answers_a_line_each_in_order_and_exits_0() -> None:
    lines = [
        {
            "expression": "0 0 2 * * *",
            "timezone": "America/New_York",
            "after": "2026-03-08T04:00:00Z",
            "count": 1,
            "dst_gap": "skip",
            "dst_overlap": "both",
            "day_match": "and",
        },
        {"expression": "60 * * * * *"},
        {"expression": "0 0 9 13 * FRI", "after": "2026-01-01T00:00:00Z", "count": 1, "day_match": "or"},
        {"expression": "0 0 9 * * *", "dst_gap": "wrong"},
        {"expression": "0 0 9 * * *", "count": 0},
    ]
    found = run("next", "--batch", "-", stdin="\n".join([*map(json.dumps, lines), "not json"]) + "\n")
    answers = [json.loads(line) for line in found.stdout.splitlines()]
    assert found.exit_code == 0
    assert answers[0] == {"next_runs": ["2026-03-09T06:00:00Z"], "warnings": []}
    assert set(answers[1]) == {"error", "code"}
    assert answers[2]["next_runs"] == ["2026-01-02T09:00:00Z"]
    assert [answer.get("code") for answer in answers] == [
        None,
        "out_of_range",
        None,
        "bad_line",
        "bad_value",
        "bad_line",
    ]


def test_explain_names_the_fields_and_the_clock_changes() -> None:
    found = json.loads(run("explain", "0 30 2 * * *", "--timezone", "America/New_York", "--json").stdout)
    assert found["fields"]["hour"] == "2"
    assert len(found["clock_changes"]) == 2
    assert "forward by 60 minutes" in " ".join(each["effect"] for each in found["clock_changes"])


def test_the_week_has_a_row_for_each_schedule() -> None:
    from datetime import UTC, datetime

    lines = draw_week(
        [("daily", [f"2026-01-0{day}T09:00:00Z" for day in range(1, 8)])], datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert lines[1].startswith("daily")
    assert lines[1].count("·") == 7


def test_schedules_are_kept_over_the_api(tmp_path: Path) -> None:
    """The commands talk to a runtime in this process when no server runs."""

    def symbi(*arguments: str) -> Any:
        state = CliState(data_dir=tmp_path / "data")
        state.__dict__["manager"] = closed_manager(StandIns(), "symbi_scheduler.plugin")
        found = CliRunner().invoke(cron, [*arguments, "--json"], obj=state)
        assert found.exit_code == 0, found.output
        return json.loads(found.stdout)

    made = symbi(
        "add", "daily", "--agent", "a", "--cron", "0 0 9 * * *", "--tz", "Europe/Berlin", "--overlap", "queue_one"
    )
    assert made["status"] == "created"
    (listed,) = symbi("list")["schedules"]
    assert (listed["name"], listed["options"]) == ("daily", {"overlap": "queue_one"})
    assert symbi("show", "daily")["agent_name"] == "a"
    assert symbi("pause", "daily")["action"] == "paused"
    assert symbi("resume", "daily")["action"] == "resumed"
    assert symbi("trigger", "daily")["action"] == "triggered"
    (fire,) = symbi("history", "daily")["history"]
    assert (fire["trigger"], fire["status"]) == ("manual", "queued"), "a command starts no run; the server will"
    assert len(symbi("week")["schedules"][0]["next_runs"]) == 7
    assert symbi("remove", "daily")["deleted"] is True


def test_importing_the_plugin_or_the_preview_loads_no_heavy_library() -> None:
    code = (
        "import sys\n"
        "import symbi_scheduler.plugin as p\n"
        "for hook in (p.services, p.routes, p.commands, p.tables, p.metrics_sources): list(hook())\n"
        "heavy = {'sqlalchemy', 'litestar', 'click', 'croniter', 'dateutil', 'httpx'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "from click.testing import CliRunner\n"
        "from symbi_scheduler.cli import cron\n"
        "assert CliRunner().invoke(cron, ['next', '0 0 9 * * *']).exit_code == 0\n"
        "heavy -= {'click'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_readme_names_every_setting_with_its_default() -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text()
    defaults = SchedulerConfig()
    for name in SchedulerConfig.__struct_fields__:
        line = next((line for line in text.splitlines() if line.startswith(f"| `{name}` |")), None)
        assert line is not None, name
        value = getattr(defaults, name)
        shown = json.dumps(list(value) if isinstance(value, tuple) else value)
        assert line.split("|")[2].strip() == f"`{shown}`", (name, shown)
