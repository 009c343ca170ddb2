"""TR-07, TR-25, TR-26, TR-31: flow survives renaming and moving, fingerprints survive lines, secrets are masked."""

from __future__ import annotations

import re

from symbi.contracts.review import Submission
from symbi_static.analysis import analyze

BASE = """
import subprocess


def helper(words):
    line = " ".join(words)
    return subprocess.run(line, shell=True)


def tool(target):
    return helper(["ping", target])
"""


def found(source: str, language: str = "python") -> set[tuple[str, str]]:
    return {
        (f.rule, f.fingerprint)
        for f in analyze(Submission(tool_name="t", source_code=source, language=language)).findings
    }


def test_renaming_every_variable_changes_nothing() -> None:
    renamed = BASE
    for old, new in (("words", "w_1"), ("line", "zz"), ("helper", "assistant_fn"), ("target", "where_to")):
        renamed = re.sub(rf"\b{old}\b", new, renamed)
    assert found(renamed) == found(BASE)


def test_moving_a_helper_changes_nothing() -> None:
    head, helper, tool = BASE.split("\n\n\n")
    assert found(f"{head}\n\n\n{tool}\n\n\n{helper}") == found(BASE)


def test_inserted_lines_keep_the_fingerprints() -> None:
    assert found(BASE.replace("import subprocess", "\n\n# a comment\nimport subprocess\n\nX = 1\n")) == found(BASE)


def test_the_trace_leads_from_the_source_to_the_sink() -> None:
    report = analyze(Submission(tool_name="t", source_code=BASE))
    finding = next(f for f in report.findings if f.category == "command_injection")
    assert finding.line == 7
    assert finding.trace[0].line == 10
    assert "target" in finding.trace[0].description
    assert finding.trace[-1].line == 7


def test_results_are_the_same_every_time() -> None:
    reports = [analyze(Submission(tool_name="t", source_code=BASE)) for _ in range(5)]
    assert all(report == reports[0] for report in reports)


def test_a_planted_key_is_reported_and_shown_nowhere() -> None:
    key = "ghp_" + "a8Kq2ZxV7mPw4TnB9cLd6RfY3sHj5GuE1oXi"
    report = analyze(Submission(tool_name="t", source_code=f'TOKEN = "{key}"\n'))
    assert any(f.category == "secret_exposure" for f in report.findings)
    assert key not in repr(report)
    assert key[4:20] not in repr(report)


def test_validation_functions_count_wherever_they_stand() -> None:
    source = """
import os
ROOT = os.path.realpath("data")

class Store:
    def _check(self, path):
        if not path.startswith(ROOT + os.sep):
            raise ValueError("outside")

    def read(self, name):
        path = os.path.realpath(os.path.join(ROOT, name))
        self._check(path)
        with open(path) as handle:
            return handle.read()

def tool(name):
    return Store().read(name)
"""
    assert not [
        f for f in analyze(Submission(tool_name="t", source_code=source)).findings if f.category == "path_traversal"
    ]
    broken = source.replace("self._check(path)", "pass")
    assert [
        f.line
        for f in analyze(Submission(tool_name="t", source_code=broken)).findings
        if f.category == "path_traversal"
    ] == [13]
