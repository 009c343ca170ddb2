"""The tool analyzer beside bandit: found and false alarms on the labelled corpus, and time on a tool of 500 lines; the recipe's time.

`python -m benchmarks.review [--rounds 20] [--json]`. Both read the same files; ours in a warm confined child, bandit in process and as a process.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from symbi.contracts.review import Submission, band_of
from symbi.contracts.review_score import score_findings
from symbi_static.pool import ChildPool

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "plugins" / "static" / "tests" / "corpus"


def submission_of(tool: dict[str, Any]) -> Submission:
    source = (CORPUS / tool["file"]).read_text(encoding="utf-8")
    return Submission(
        tool_name=tool["file"].split(".")[0],
        source_code=source,
        description=tool["description"],
        permissions=tuple(tool["permissions"]),
        filename=tool["file"],
    )


async def ours(tools: list[dict[str, Any]]) -> dict[str, float]:
    pool = ChildPool(size=1, deadline=10)
    found = exact = alarms = 0
    for tool in tools:
        report = await pool.analyze(submission_of(tool))
        high = band_of(score_findings(report.findings).risk_score) == "high"
        if tool["label"] == "hostile":
            found += high
            exact += any(f.category == tool["category"] and f.line == tool["line"] for f in report.findings)
        else:
            alarms += high
    await pool.close()
    return _rates(tools, found, exact, alarms)


def bandit(tools: list[dict[str, Any]]) -> dict[str, float]:
    """bandit with `nosec` ignored; found = any finding of medium or high severity, exact = on the labelled line. It reads Python only."""
    found = exact = alarms = 0
    for tool in tools:
        rows = _bandit_rows(CORPUS / tool["file"]) if tool["file"].endswith(".py") else []
        strong = [row for row in rows if row["issue_severity"] in ("MEDIUM", "HIGH")]
        if tool["label"] == "hostile":
            found += bool(strong)
            exact += any(tool["line"] in row["line_range"] for row in rows)
        else:
            alarms += bool(strong)
    return _rates(tools, found, exact, alarms)


def _bandit_rows(file: Path) -> list[dict[str, Any]]:
    from bandit.core import config, manager

    with redirect_stderr(io.StringIO()):
        run = manager.BanditManager(config.BanditConfig(), "file", ignore_nosec=True)
        run.discover_files([str(file)])
        run.run_tests()
    return [
        {"issue_severity": issue.severity, "line_range": list(issue.linerange) or [issue.lineno]}
        for issue in run.get_issue_list()
    ]


def _rates(tools: list[dict[str, Any]], found: int, exact: int, alarms: int) -> dict[str, float]:
    hostile = sum(1 for tool in tools if tool["label"] == "hostile")
    harmless = len(tools) - hostile
    return {
        "hostile": hostile,
        "found": found,
        "with_line": exact,
        "recall": round(found / hostile, 3),
        "harmless": harmless,
        "false_alarms": alarms,
        "precision": round(found / (found + alarms), 3) if found + alarms else 0.0,
    }


def large_tool(lines: int = 500) -> str:
    """A tool of about 500 lines: the harmless Python tools of the corpus, one after the other, names made unique."""
    parts: list[str] = []
    for number, tool in enumerate(json.loads((CORPUS / "index.json").read_text())["tools"] * 4):
        if tool["label"] == "harmless" and tool["file"].endswith(".py"):
            text = (CORPUS / tool["file"]).read_text(encoding="utf-8")
            parts.append(re.sub(r"^(def|class|async def) (\w+)", rf"\1 \2_{number}", text, flags=re.MULTILINE))
        if sum(part.count("\n") for part in parts) >= lines:
            break
    return "\n".join(parts)


async def time_ours(source: str, rounds: int) -> list[float]:
    pool = ChildPool(size=1, deadline=10)
    await pool.analyze(Submission(tool_name="warm", source_code="x = 1"))
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        await pool.analyze(Submission(tool_name="large", source_code=source, language="python"))
        times.append(time.perf_counter() - started)
    await pool.close()
    return times


def time_bandit(source: str, rounds: int) -> tuple[list[float], list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "large.py"
        file.write_text(source)
        inside, process = [], []
        _bandit_rows(file)
        for _ in range(rounds):
            started = time.perf_counter()
            _bandit_rows(file)
            inside.append(time.perf_counter() - started)
        for _ in range(max(3, rounds // 5)):
            started = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "bandit", "-q", "--ignore-nosec", "--exit-zero", str(file)],
                capture_output=True,
                check=True,
            )
            process.append(time.perf_counter() - started)
    return inside, process


def _ms(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "median_ms": round(statistics.median(ordered) * 1000, 1),
        "p95_ms": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))] * 1000, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    tools = json.loads((CORPUS / "index.json").read_text())["tools"]
    source = large_tool()
    inside, process = time_bandit(source, options.rounds)
    answer = {
        "corpus": {
            "symbi": asyncio.run(ours(tools)),
            "bandit": bandit(tools),
            "bandit, Python files only": bandit([tool for tool in tools if tool["file"].endswith(".py")]),
        },
        "lines": source.count("\n"),
        "time": {
            "symbi, warm confined child": _ms(asyncio.run(time_ours(source, options.rounds))),
            "bandit, in process": _ms(inside),
            "bandit, process": _ms(process),
        },
    }
    if options.json:
        print(json.dumps(answer, indent=1))
        return
    for name, rates in answer["corpus"].items():  # type: ignore[attr-defined]
        print(
            f"{name:28} found {rates['found']}/{rates['hostile']} (line right {rates['with_line']}), false alarms {rates['false_alarms']}/{rates['harmless']}, precision {rates['precision']}"
        )
    for name, figures in answer["time"].items():  # type: ignore[attr-defined]
        print(f"{name:28} {answer['lines']} lines: median {figures['median_ms']} ms, p95 {figures['p95_ms']} ms")


if __name__ == "__main__":
    main()
