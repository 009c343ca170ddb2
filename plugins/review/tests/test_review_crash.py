"""TR-02: kill -9 at every step loses nothing that was answered, and a second start carries on to one signature."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from symbi.testing.clock import FakeClock

CHILD = """
import asyncio, importlib, os, sys, time
from contextlib import asynccontextmanager
from pathlib import Path
from symbi import Offer, hookimpl
from symbi.contracts.review import AnalysisReport
from symbi.testing.apps import open_app
from symbi_review.flow import work
from symbi_review.tokens import mint
from symbi_review.config import JwtConfig

folder, stage, secret = Path(sys.argv[1]), sys.argv[2], sys.argv[3]

def die(*_, **__):
    os.kill(os.getpid(), 9)

class Analyzer:
    async def analyze(self, submission):
        if stage == "analyzing":
            die()
        return AnalysisReport(analyzer="static", version="0", language="python")

class Plugin:
    __name__ = "fake_static"
    @hookimpl
    def review_analyzers(self):
        @asynccontextmanager
        async def opened(config, context):
            yield Analyzer()
        yield Offer(name="static", open=opened)

def after(name):
    real = getattr(work, name)
    def wrapped(*a, **k):
        real(*a, **k)
        die()
    setattr(work, name, wrapped)

if stage == "storing the analysis":
    after("keep_analysis")
if stage == "before signing":
    work.package_request = die
if stage == "storing the package":
    after("keep_package")

async def main():
    tables = {"review": {"jwt": {"secret": secret}, "rate_limits": {"enabled": False}}}
    async with open_app(folder, [Plugin(), "symbi_rsa.plugin", "symbi_review.plugin"], tables=tables) as app:
        token = mint(JwtConfig(), secret.encode(), subject="alice", scope="tool:review", lifetime_seconds=60, now=int(time.time()), jti="")
        body = {"tool_name": "t", "tool_version": "1.0.0", "source_code": "x = 1", "metadata": {}}
        answer = await app.anonymous.post("/sessions", json=body, headers={"authorization": f"Bearer {token}"})
        os.write(1, answer.json()["review_id"].encode())
        if stage == "just submitted":
            die()
        await asyncio.sleep(20)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "stage", ["just submitted", "analyzing", "storing the analysis", "before signing", "storing the package"]
)
async def test_killed_while(stage: str, make_desk: Any, tmp_path: Path, signing_folder: Path) -> None:
    (tmp_path / "data").mkdir()
    shutil.copytree(signing_folder, tmp_path / "data" / "signing")
    secret = "a-secret-of-the-tests-that-is-long-enough-0123456789"
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path), stage, secret], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    review_id = done.stdout.decode()
    async with make_desk(clock=FakeClock(datetime.now(UTC) + timedelta(minutes=10))) as desk:
        await desk.until(review_id, "signed", seconds=20)
        records = (await desk.as_("alice").get(f"/sessions/{review_id}/audit")).json()["records"]
        assert [record["action"] for record in records].count("sign") == 1
        assert (await desk.as_("bob", "tool:approve").get("/review/verify-audit")).json()["ok"]
        assert (await desk.as_("alice").get(f"/signing/{review_id}/download")).status_code == 200
