"""`symbi policy` without a server: evaluate, explain, check, test, diff, format (POL-30, POL-31, POL-32)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from symbi.cli.state import CliState
from symbi.testing.kernels import closed_manager, test_settings
from symbi.testing.policy import Rule
from symbi_policy.cli import policy

CLOCK = Rule(id="clock", effect="permit", agent="hello", tool="clock")
NET = Rule(id="net", effect="forbid", tool="http_get")
HOOK = {
    "session_id": "abc", "transcript_path": "/x.jsonl", "cwd": "/work", "permission_mode": "default",
    "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "ls", "description": "List"},
}  # fmt: skip
"""What a coding tool's hook sends (the fields that the vendor documents)."""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, surroundings: Any) -> Any:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, stdin: str | None = None, engine: str = "reference") -> Result:
        state = CliState()
        state.__dict__["settings"] = test_settings(tmp_path, {"policy": {"engine": engine}})
        state.__dict__["manager"] = closed_manager(surroundings())
        return CliRunner().invoke(policy, list(arguments), input=stdin, obj=state)

    return call


@pytest.fixture
def policies(tmp_path: Path, put_rules: Any) -> Path:
    put_rules(tmp_path / "policies" / "rules.json", [CLOCK, NET])
    return tmp_path / "policies"


def test_the_group_has_every_command_with_an_example(run: Any) -> None:
    assert isinstance(policy, click.Group)
    for name in policy.commands:
        text = " ".join(run(name, "--help").output.split())
        assert "symbi policy" in text.partition("Example:")[2]


@pytest.mark.usefixtures("policies")
def test_pol_30_a_hooks_payload_is_decided(run: Any) -> None:
    result = run("evaluate", "--stdin", "--json", stdin=json.dumps(HOOK))
    answer = json.loads(result.stdout)
    assert result.exit_code == 0
    assert answer["decision"] == "deny"
    assert answer["tool"] == "Bash"
    assert {"decision", "reason", "policies", "errors", "tool", "policies_dir", "revision"} <= set(answer)


@pytest.mark.usefixtures("policies")
def test_pol_30_people_read_one_word_and_programs_stderr(run: Any) -> None:
    result = run("evaluate", "--tool", "clock", "--agent", "hello")
    assert result.stdout == "allow\n"
    assert json.loads(result.stderr)["policies"] == ["clock"]


def test_pol_30_the_agent_is_claude_code_where_nobody_says_otherwise(run: Any, tmp_path: Path, put_rules: Any) -> None:
    put_rules(tmp_path / "elsewhere" / "r.json", [Rule(id="cc", effect="permit", agent="claude-code")])
    result = run("evaluate", "--stdin", "--json", "--policies", "elsewhere", stdin=json.dumps(HOOK))
    assert json.loads(result.stdout)["decision"] == "allow"
    unnamed = run("evaluate", "--stdin", "--json", "--policies", "elsewhere", stdin="{}")
    assert json.loads(unnamed.stdout)["tool"] == "unknown"


@pytest.mark.parametrize("content", [None, "", "[]"])
def test_pol_30_no_directory_or_no_policy_denies_unless_asked_otherwise(
    run: Any, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "policies").mkdir()
        if content:
            (tmp_path / "policies" / "a.json").write_text(content)
    result = run("evaluate", "--tool", "x", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["decision"] == "deny"
    assert json.loads(run("evaluate", "--tool", "x", "--json", "--fail-open").stdout)["decision"] == "allow"


def test_pol_30_a_broken_policy_denies_even_with_fail_open(run: Any, policies: Path) -> None:
    (policies / "bad.json").write_text("[")
    for more in ([], ["--fail-open"]):
        answer = json.loads(run("evaluate", "--tool", "clock", "--agent", "hello", "--json", *more).stdout)
        assert answer["decision"] == "deny"
        assert "bad.json" in answer["reason"]


def test_pol_30_a_missing_engine_denies(run: Any, policies: Path) -> None:
    answer = json.loads(run("evaluate", "--tool", "clock", "--json", engine="nowhere").stdout)
    assert answer["decision"] == "deny"
    assert "nowhere" in answer["reason"]


@pytest.mark.usefixtures("policies")
@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (["--stdin"], "nonsense"),
        (["--stdin"], "[1]"),
        (["--stdin"], '{"tool_name": 1}'),
        (["--input", "missing.json"], None),
        ([], None),
        (["--stdin", "--tool", "x"], "{}"),
        (["--tool", "x", "--arguments", "{"], None),
        (["--stdin"], "[" * 100_000),
    ],
)
def test_pol_30_bad_input_exits_2(run: Any, arguments: list[str], stdin: str | None) -> None:
    assert run("evaluate", *arguments, stdin=stdin).exit_code == 2


def test_pol_30_honours_the_surface(run: Any, policies: Path, put_rules: Any) -> None:
    put_rules(policies / "eval" / "x.json", [Rule(id="x", effect="permit", tool="rm")])
    for surface, expected in (("eval", "allow"), ("run", "deny")):
        answer = json.loads(run("evaluate", "--tool", "rm", "--surface", surface, "--json").stdout)
        assert answer["decision"] == expected


def test_check_exits_0_1_2(run: Any, policies: Path, tmp_path: Path, put_rules: Any) -> None:
    assert run("check").exit_code == 0
    (policies / "typo").mkdir()
    put_rules(policies / "typo" / "x.json", [Rule(id="x", effect="permit")])
    assert run("check").exit_code == 0
    assert run("check", "--strict").exit_code == 1
    (policies / "bad.json").write_text("[")
    report = run("check", "--json")
    assert report.exit_code == 1
    assert json.loads(report.stdout)["ok"] is False
    assert run("check", str(tmp_path / "nothing")).exit_code == 2


def test_pol_32_sarif_names_file_and_rule(run: Any, policies: Path) -> None:
    (policies / "bad.json").write_text("[")
    sarif = json.loads(run("check", "--sarif").stdout)
    (result,) = sarif["runs"][0]["results"]
    assert sarif["version"] == "2.1.0"
    assert result["ruleId"] == "bad-entries"
    assert result["level"] == "error"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "bad.json"


CASES = """
cases:
  - {name: hello has a clock, agent: hello, tool: clock, expect: allow, policies: [clock]}
  - {name: nobody else has, agent: other, tool: clock, expect: deny}
"""


def test_pol_31_cases_pass_fail_and_cover(run: Any, policies: Path) -> None:
    (policies / "tests").mkdir()
    (policies / "tests" / "a.yaml").write_text(CASES)
    result = run("test", "--json")
    outcome = json.loads(result.stdout)
    assert result.exit_code == 0
    assert outcome["uncovered"] == ["net"]
    assert run("test", "--require-coverage").exit_code == 1
    (policies / "tests" / "b.yaml").write_text("cases: [{name: wrong, agent: hello, tool: clock, expect: deny}]")
    failing = run("test")
    assert failing.exit_code == 1
    assert "FAIL  wrong: expected deny, got allow" in failing.stdout
    (policies / "tests" / "b.yaml").write_text("cases: [{expect: maybe}]")
    assert run("test").exit_code == 2


def test_pol_31_diff_shows_what_flips_over_recorded_decisions(
    run: Any, policies: Path, tmp_path: Path, put_rules: Any
) -> None:
    put_rules(tmp_path / "new" / "rules.json", [NET])
    record = {
        "seq": 1, "kind": "policy.decision", "outcome": "allow",
        "details": {"action": "tool_call", "target": "clock", "arguments": {}, "agent_facts": {"id": "1", "name": "hello"}, "surface": "run"},
    }  # fmt: skip
    (tmp_path / "log.jsonl").write_text(
        "\n".join([json.dumps(record), json.dumps(record), '{"kind": "key.created"}', ""])
    )
    result = run("diff", "policies", "new", "--recorded", "log.jsonl", "--json")
    outcome = json.loads(result.stdout)
    assert outcome["compared"] == 1
    assert [(each["action"], each["before"], each["after"]) for each in outcome["changes"]] == [
        ("tool_call::clock", "allow", "deny")
    ]
    assert run("diff", "policies", "new", "--recorded", "log.jsonl", "--fail-on-change").exit_code == 1
    assert run("diff", "policies", "policies", "--recorded", "log.jsonl", "--fail-on-change").exit_code == 0
    assert run("diff", "policies", "new").exit_code == 2
    replayed = json.loads(run("replay", "new", "--recorded", "log.jsonl", "--json").stdout)
    assert [(each["before"], each["after"]) for each in replayed["changes"]] == [("allow", "deny")]
    assert run("replay", "--recorded", "log.jsonl", "--fail-on-change").exit_code == 0
    (tmp_path / "bad.jsonl").write_text("{")
    assert run("replay", "--recorded", "bad.jsonl").exit_code == 2


def test_explain_names_the_deciding_policies(run: Any, policies: Path) -> None:
    result = run("explain", "--tool", "http_get", "--agent", "hello", "--json")
    assert json.loads(result.stdout)["determining"][0]["policy"] == "net"


def test_format_checks_and_writes(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text('{"a":1}')
    assert run("format", "--check", str(file)).exit_code == 1
    assert run("format", str(file)).exit_code == 0
    assert file.read_text() == '{\n  "a": 1\n}\n'
    assert run("format", "--check", str(file)).exit_code == 0
    file.write_text("{")
    assert run("format", str(file)).exit_code == 1


def test_pol_23_keygen_and_sign(run: Any, policies: Path, tmp_path: Path) -> None:
    key = str(tmp_path / "key.pem")
    assert run("keygen", key).exit_code == 0
    assert run("sign", "--key", key).exit_code == 0
    assert (policies / "policies.sig").exists()
    (policies / "bad.json").write_text("[")
    assert run("sign", "--key", key).exit_code == 1
