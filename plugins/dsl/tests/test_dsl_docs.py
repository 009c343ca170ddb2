"""Documentation and examples: everything they show is run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.effects import EffectDenied
from symbi.contracts.languages import RuleRequest
from symbi_dsl.facts.definition import parse_definition
from symbi_dsl.formatter.format import format_text
from symbi_dsl.interpreter.program import interpret
from symbi_dsl.policy.evaluate import evaluate_rules

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "language.md").read_text() if (ROOT / "docs" / "language.md").exists() else ""
BLOCKS = re.findall(r"^```symbi\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = sorted((ROOT / "examples" / "agents").glob("*.symbi"))


class Scripted:
    """Effects that deny what the page says is denied, and answer with a fixed moment otherwise."""

    def __init__(self, denied: set[str]) -> None:
        self.denied = denied
        self.asked: list[str] = []

    def call(self, kind: str, name: str, arguments: dict[str, Any], **_: Any) -> Any:
        self.asked.append(name or kind)
        if name in self.denied:
            raise EffectDenied(f"policy forbids {name}")
        if kind == "reason":
            return {"response": "an answer", "total_tokens": 7}
        return "2030-01-01T00:00:00Z"

    def log(self, message: str, **_: Any) -> None:
        return None

    def step(self, line: int) -> None:
        return None


def test_the_page_has_examples() -> None:
    """The page exists and shows enough to be worth testing."""
    assert len(BLOCKS) >= 8


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("{")[0].split("\n")[-1][:20])
def test_every_example_of_the_page(block: str) -> None:
    """Each block holds, and gives, allows and denies what the lines below it say."""
    parsed = parse_definition(block)
    assert parsed.ok, parsed.errors
    assert format_text(block)[1] == ()
    agent = parsed.agents[0]
    gives = re.search(r"^// gives (.*)$", block, re.MULTILINE)
    denied = re.findall(r"^// denies (\w+)$", block, re.MULTILINE)
    if gives:
        assert agent.program is not None
        assert interpret(agent.program, arguments={}, effects=Scripted(set(denied))) == json.loads(gives[1])
    environment = {"user": {"roles": []}}
    for wanted, action, arguments in re.findall(r"^// (allows|denies) (\w+) (\{.*\})$", block, re.MULTILINE):
        request = RuleRequest(action=action, arguments=json.loads(arguments), environment=environment, rates={})
        decision = evaluate_rules(agent.rules, request).decision
        assert decision == wanted.replace("allows", "allow").replace("denies", "deny"), (action, arguments)


def test_the_codes_of_the_plugin_page_are_those_of_the_code() -> None:
    """Every code that the source can give is on the plugin's page, and no other."""
    source = "".join(path.read_text() for path in (ROOT / "plugins" / "dsl" / "src").rglob("*.py"))
    given = set(re.findall(r'"([EW][0-9]{3})"', source)) | {"E400"}
    page = (ROOT / "docs" / "plugins" / "dsl.md").read_text()
    assert set(re.findall(r"\b[EW][0-9]{3}\b", page)) == given


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_hold_and_are_formatted(path: Path) -> None:
    """Examples have neither errors nor warnings, and are in the canonical layout."""
    text = path.read_text()
    assert parse_definition(text, path=path.name).diagnostics == ()
    assert format_text(text) == (text, ())


RUNS: dict[str, tuple[dict[str, Any], Any]] = {
    "hello.symbi": ({"name": "Ada"}, {"greeting": "hello, Ada", "at": "2030-01-01T00:00:00Z", "fetched": False}),
    "report.symbi": (
        {"rows": [{"name": "a", "value": 2.5, "valid": True}, {"name": "b", "value": 9, "valid": False}]},
        {"total": 2.5, "names": "a", "share": 0.5, "advice": "have a look at what was refused"},
    ),
    "editor.symbi": ({"text": "teh"}, {"text": "2030-01-01T00:00:00Z", "changes": "an answer", "tokens": 7}),
    "nightly.symbi": ({}, "noted"),
    "support.symbi": ({"message": "why?"}, "an answer"),
    "team.symbi": ({}, {"topic": "the sea", "drafts": "2030-01-01T00:00:00Z"}),
}


WITH_BODY = [path for path in EXAMPLES if any(agent.has_body for agent in parse_definition(path.read_text()).agents)]
"""The others are briefs for a model; the reasoning loop's own tests run those."""


@pytest.mark.parametrize("path", WITH_BODY, ids=lambda path: path.name)
def test_examples_run(path: Path) -> None:
    """Every example's first agent runs to the result that is written here."""
    arguments, wanted = RUNS[path.name]
    program = parse_definition(path.read_text()).agents[0].program
    assert program is not None
    assert interpret(program, arguments=arguments, effects=Scripted({"http_get"})) == wanted


def test_the_hello_of_a_new_project_is_the_example() -> None:
    """`symbi init` writes the example agent."""
    written = ROOT / "core" / "src" / "symbi" / "cli" / "project" / "agents" / "hello.symbi"
    assert written.read_text() == (ROOT / "examples" / "agents" / "hello.symbi").read_text()
