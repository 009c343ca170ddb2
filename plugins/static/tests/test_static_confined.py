"""TR-10, TR-11, TR-12: nothing of a submission runs, the child can do nothing, bombs are answered and never low."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from symbi.contracts.review import Submission
from symbi.contracts.review_score import score_findings
from symbi_static.pool import ChildPool


@pytest.fixture
async def pool() -> AsyncIterator[ChildPool]:
    pool = ChildPool(size=1, deadline=10.0)
    yield pool
    await pool.close()


BOMBS = {
    "unary": "-" * 100_000 + "1",
    "terms": "1+" * 200_000 + "1",
    "brackets": "[" * 50_000,
    "parens": "f(" * 3_000 + ")" * 3_000,
    "nested functions": "\n".join("  " * i + f"def f{i}():" for i in range(90)) + "\n" + "  " * 90 + "pass",
    "power": "x = 9**9**9**9\ny = 'a' * 10**12\nz = 1 << 10**10\n",
    "regex": "import re\ndef f(x):\n    return re.match(r'(a+)+$', x)\n",
    "zip": "import zlib, base64\nexec(zlib.decompress(base64.b64decode('" + "eJzswQENAAAAwqD3T20PBxQAAA" * 40 + "')))",
    "nul": "x = 1\x00\n",
    "calls": "\n".join(f"def f{i}(x):\n    f{i + 1}(x); f{i + 1}(x + 1); f{i + 1}(str(x))" for i in range(40))
    + "\ndef f40(x):\n    eval(x)\n",
    "surrogate": "x = '\ud800'",
}
SCRIPT_BOMBS = {
    "arrays": "const a = " + "[" * 20_000,
    "ternaries": "x = " + "a ? b : " * 5_000 + "c",
    "junk": "\x01\x02)(*&^%$" * 2_000,
}


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_is_answered_in_time_and_never_low(pool: ChildPool, name: str) -> None:
    started = time.monotonic()
    report = await pool.analyze(Submission(tool_name="t", source_code=BOMBS[name], language="python"))
    assert time.monotonic() - started < 10
    if name not in ("power", "nested functions"):
        assert score_findings(report.findings).risk_score >= 40, report


@pytest.mark.parametrize("name", SCRIPT_BOMBS)
async def test_a_script_bomb_is_answered(pool: ChildPool, name: str) -> None:
    report = await pool.analyze(Submission(tool_name="t", source_code=SCRIPT_BOMBS[name], language="javascript"))
    assert report.complete or score_findings(report.findings).risk_score >= 70


async def test_nothing_of_a_submission_runs(pool: ChildPool, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    source = f"import os\nopen({str(canary)!r}, 'w').write('ran')\nos.system('touch {canary}')\n"
    await pool.analyze(Submission(tool_name="t", source_code=source))
    await pool.analyze(
        Submission(tool_name="t", source_code=f"require('fs').writeFileSync('{canary}', 'x')", language="javascript")
    )
    assert not canary.exists()


async def test_a_killed_child_gives_an_incomplete_report_and_is_replaced(pool: ChildPool) -> None:
    good = Submission(tool_name="t", source_code="def f(a):\n    return a\n")
    assert (await pool.analyze(good)).complete
    pool._free[0].process.kill()
    report = await pool.analyze(good)
    assert not report.complete
    assert report.findings[0].category == "analysis_incomplete"
    assert (await pool.analyze(good)).complete


async def test_a_child_that_hangs_is_killed_at_the_deadline() -> None:
    pool = ChildPool(size=1, deadline=0.001)
    report = await pool.analyze(Submission(tool_name="t", source_code="x = 1\n" * 20_000))
    assert not report.complete
    await pool.close()


ATTEMPTS = {
    "open": "open('/etc/passwd')",
    "write": "open('/tmp/symbi-child', 'w')",
    "socket": "__import__('socket').socket()",
    "process": "__import__('os').system('true')",
    "fork": "__import__('os').fork()",
    "import": "__import__('wave')",
}


@pytest.mark.parametrize("name", ATTEMPTS)
def test_the_confined_child_may_not(name: str) -> None:
    code = f"import os, socket\nfrom symbi_static.child import confine\nconfine()\ntry:\n    {ATTEMPTS[name]}\nexcept (PermissionError, OSError):\n    os.write(1, b'refused')\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30, check=False)
    assert done.stdout == b"refused", done.stderr


async def test_many_at_once_all_finish(pool: ChildPool) -> None:
    submissions = [Submission(tool_name=f"t{i}", source_code=f"def f(a):\n    return a + {i}\n") for i in range(40)]
    reports = await asyncio.gather(*(pool.analyze(s) for s in submissions))
    assert all(report.complete for report in reports)
