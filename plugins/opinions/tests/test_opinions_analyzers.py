"""TR-08, TR-29 and §2.4: second opinions are not steered by the submission, and their failures are not passes."""

from __future__ import annotations

import pytest

from symbi.contracts.errors import SymbiError
from symbi.contracts.review import ReviewAnalyzer, Submission
from symbi_opinions.bandit import BanditAnalyzer
from symbi_opinions.config import OpinionsConfig
from symbi_opinions.secrets import SecretsAnalyzer

SHELL = "import subprocess\n\n\ndef f(x):\n    subprocess.call(x, shell=True){}\n"
KEY = 'TOKEN = "ghp_' + "a8Kq2ZxV7mPw4TnB9cLd6RfY3sHj5GuE1oXi" + '"{}\n'


def submission(source: str, **more: str) -> Submission:
    return Submission(tool_name="t", source_code=source, **more)  # type: ignore[arg-type]


async def test_bandit_finds_and_nosec_hides_nothing() -> None:
    analyzer = BanditAnalyzer(OpinionsConfig())
    assert isinstance(analyzer, ReviewAnalyzer)
    plain = await analyzer.analyze(submission(SHELL.format("")))
    hushed = await analyzer.analyze(submission(SHELL.format("  # nosec")))
    for report in (plain, hushed):
        assert ("command_injection", "high", 5) in {(f.category, f.severity, f.line) for f in report.findings}
    assert plain.complete


async def test_detect_secrets_finds_and_its_pragma_hides_nothing() -> None:
    analyzer = SecretsAnalyzer(OpinionsConfig())
    for tail in ("", "  # pragma: allowlist secret"):
        report = await analyzer.analyze(submission(KEY.format(tail)))
        assert ("secret_exposure", "high", 1) in {(f.category, f.severity, f.line) for f in report.findings}
        assert "a8Kq2ZxV7mPw" not in repr(report)


async def test_other_languages_and_no_source_are_left_to_others() -> None:
    assert (await BanditAnalyzer(OpinionsConfig()).analyze(submission("eval(x)", language="javascript"))).findings == ()
    assert (await SecretsAnalyzer(OpinionsConfig()).analyze(submission(" "))).findings == ()


async def test_a_source_that_does_not_parse_is_incomplete() -> None:
    report = await BanditAnalyzer(OpinionsConfig()).analyze(submission("def f(:", language="python"))
    assert not report.complete


async def test_a_deadline_is_an_error() -> None:
    with pytest.raises(SymbiError, match="took longer"):
        await BanditAnalyzer(OpinionsConfig(deadline_seconds=0.01)).analyze(submission("x = 1"))
