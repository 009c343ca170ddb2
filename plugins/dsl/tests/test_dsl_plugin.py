"""The plugin: what it offers, and that looking at it costs nothing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

from symbi.contracts.languages import Language
from symbi.contracts.offers import load
from symbi_dsl.config import DslConfig
from symbi_dsl.language import SymbiLanguage, open_language

PLUGIN = Path(__file__).resolve().parents[1]


def test_importing_the_plugin_loads_nothing_else() -> None:
    """The plugin module is a table of contents: the language itself is imported when it is used."""
    code = (
        "import sys, symbi_dsl.plugin as p; list(p.agent_languages()); list(p.commands()); "
        "print(sorted(m for m in sys.modules if m.startswith('symbi_dsl.') or m in ('click', 'litestar')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ast.literal_eval(done.stdout) == ["symbi_dsl.plugin"]


def test_offers_name_what_exists() -> None:
    """Every reference of the offers leads to the thing it promises."""
    from symbi_dsl import plugin

    (offer,) = plugin.agent_languages()
    assert offer.name == "symbi"
    assert offer.suffixes == (".symbi", ".dsl")
    assert offer.config_type() is DslConfig
    assert callable(load(offer.entry))
    for command in plugin.commands():
        assert load(command.load).name == command.name


async def test_the_opened_language_keeps_the_contract() -> None:
    """The language parses, formats, derives, tells its brief and decides, within the configured bounds."""
    async with open_language(DslConfig(max_nesting=5), cast("Any", None)) as opened:
        language: Language = opened
        assert language.parse("agent a { with { x = 1; } }").ok
        assert not language.parse("agent a { with { x = (((((1))))) } }").ok
        assert language.format("agent a{}") == ("agent a {\n}\n", ())
        assert language.brief("// x\nagent a {}") == "agent a {}\n"
        assert language.parse(language.derive("x", system_prompt="p")).ok
        assert language.name == "symbi"
        assert callable(load(language.entry))
    assert SymbiLanguage().parse(b"agent a {}").ok


def test_bounds_of_the_configuration_stay_bounded() -> None:
    """No setting lifts the bounds that the parser and the interpreter are built for."""
    limits = DslConfig(max_nesting=10_000, max_errors=10_000).limits()
    assert (limits.nesting, limits.errors, limits.height) == (100, 200, 256)


def test_the_host_runs_a_job() -> None:
    """The entry takes a job of builtins, as the agent host has it, and limits from its facts."""
    from types import SimpleNamespace

    import msgspec
    import pytest

    from symbi.contracts.languages import ProgramFailed
    from symbi_dsl.facts.definition import parse_definition
    from symbi_dsl.interpreter.host import run

    program = parse_definition("agent a(n: int) { with { while n < 100 { n += 1 } n } }").agents[0].program
    plain = msgspec.json.decode(msgspec.json.encode(program))
    effects = SimpleNamespace(call=None, log=None, step=lambda line: None)
    job = SimpleNamespace(program=plain, arguments={"n": 1}, facts={})
    assert run(job, effects) == 100
    job.facts = {"limits": {"max_steps": 10}}
    with pytest.raises(ProgramFailed) as failed:
        run(job, effects)
    assert failed.value.error_code == "limit_steps"


def test_the_readme_shows_the_configuration() -> None:
    """The table of the README has every field of the configuration, with its default."""
    readme = (PLUGIN / "README.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", readme, re.MULTILINE))
    defaults = DslConfig()
    assert {name: str(getattr(defaults, name)) for name in DslConfig.__struct_fields__} == rows


def test_files_and_functions_stay_small() -> None:
    """The house's numbers: no file over 400 lines, no function over 60."""
    for path in (PLUGIN / "src").rglob("*.py"):
        text = path.read_text()
        assert text.count("\n") <= 400, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 60, (path, node.name)
