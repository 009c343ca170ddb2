"""The contract of review analyzers as tests.

Subclass `ReviewAnalyzerContract` and give the fixture `analyzer`:

    class TestMine(ReviewAnalyzerContract):
        @pytest.fixture
        def analyzer(self):
            return MyAnalyzer()
"""

from __future__ import annotations

import msgspec
import pytest

from symbi.contracts.review import CATEGORIES, SEVERITIES, AnalysisReport, ReviewAnalyzer, Submission

__all__ = ["ReviewAnalyzerContract"]

PLAIN = "def add(a: int, b: int) -> int:\n    return a + b\n"


class ReviewAnalyzerContract:
    """What every analyzer keeps to, whatever it looks for."""

    async def report(self, analyzer: ReviewAnalyzer, source: str, **more: str) -> AnalysisReport:
        """Analyze one source and check the form of the report."""
        submission = Submission(tool_name="tool", tool_version="1.0.0", source_code=source, **more)  # type: ignore[arg-type]
        report = await analyzer.analyze(submission)
        assert isinstance(report, AnalysisReport)
        assert report.analyzer
        for finding in report.findings:
            assert finding.category in CATEGORIES
            assert finding.severity in SEVERITIES
            assert 0.0 <= finding.confidence <= 1.0
            assert finding.rule
            assert finding.recommendation
            assert finding.line is None or finding.line >= 1
        assert msgspec.convert(msgspec.to_builtins(report), AnalysisReport) == report
        return report

    async def test_an_analyzer_is_an_analyzer(self, analyzer: ReviewAnalyzer) -> None:
        assert isinstance(analyzer, ReviewAnalyzer)

    async def test_a_plain_function_is_complete_and_not_high(self, analyzer: ReviewAnalyzer) -> None:
        report = await self.report(analyzer, PLAIN, language="python")
        assert report.complete
        assert not [finding for finding in report.findings if finding.severity in ("high", "critical")]

    async def test_equal_submissions_give_equal_reports(self, analyzer: ReviewAnalyzer) -> None:
        source = PLAIN + "\nimport os\nos.system(input())\n"
        assert await self.report(analyzer, source) == await self.report(analyzer, source)

    @pytest.mark.parametrize("source", ["", "\x00", "def f(:", "(" * 5000, "x = '\u202e'", "a" * 100_000])
    async def test_odd_sources_are_answered(self, analyzer: ReviewAnalyzer, source: str) -> None:
        await self.report(analyzer, source)
