"""An application with the review plugin, the real signer, and an analyzer that a test controls."""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from symbi import Offer, hookimpl
from symbi.contracts.review import AnalysisReport, Finding, Submission
from symbi_review.config import JwtConfig
from symbi_review.tokens import mint

SECRET = "a-secret-of-the-tests-that-is-long-enough-0123456789"


def finding(
    severity: str = "high", category: str = "ssrf", *, fingerprint: str = "f1", confidence: float = 0.9
) -> Finding:
    return Finding(
        rule=f"rule-{category}",
        category=category,
        severity=severity,
        title="t",
        description="d",
        recommendation="mend it",
        line=3,
        confidence=confidence,
        fingerprint=fingerprint,  # type: ignore[arg-type]
    )


class FakeAnalyzer:
    """Findings by words in the source: HIGH, CRITICAL, MEDIUM, SECRET …; `answer` replaces it all."""

    def __init__(self) -> None:
        self.answer: Callable[[Submission], Any] | None = None
        self.seen: list[Submission] = []

    async def analyze(self, submission: Submission) -> Any:
        self.seen.append(submission)
        if self.answer is not None:
            result = self.answer(submission)
            return await result if hasattr(result, "__await__") else result
        found = [
            finding(word.lower(), fingerprint=word)
            for word in ("CRITICAL", "HIGH", "MEDIUM", "LOW")
            if word in submission.source_code
        ]
        return AnalysisReport(analyzer="static", version="0", findings=tuple(found), language="python")


class Caller:
    """A client with the token of one person."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self._client = client
        self.token = token

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return await self._client.request(method, path, headers=headers, **options)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.request("GET", path, **options)

    async def post(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return await self.request("POST", path, json=json if json is not None else {}, **options)


class Desk:
    """A review desk under test."""

    def __init__(self, app: Any, analyzer: FakeAnalyzer) -> None:
        from symbi.contracts.signing import ApprovalRegister

        self.app = app
        self.analyzer = analyzer
        self.anonymous: httpx.AsyncClient = app.anonymous
        self.service = app.kernel.services.get(ApprovalRegister)

    def token(self, sub: str, scope: str = "tool:review", **more: Any) -> str:
        now = int(self.service.now() / 1000)
        return mint(
            JwtConfig(),
            SECRET.encode(),
            subject=sub,
            scope=scope,
            lifetime_seconds=more.pop("lifetime", 3600),
            now=now,
            jti=more.pop("jti", ""),
        )

    def as_(self, sub: str, scope: str = "tool:review") -> Caller:
        return Caller(self.anonymous, self.token(sub, scope))

    async def submit(self, source: str = "x = 1", *, name: str = "tool", sub: str = "alice", **more: Any) -> str:
        body = {
            "tool_name": name,
            "tool_version": "1.0.0",
            "source_code": source,
            "metadata": {"description": "d", "author": sub, "permissions": []},
            **more,
        }
        answer = await self.as_(sub).post("/sessions", body)
        assert answer.status_code == 201, answer.text
        review_id: str = answer.json()["review_id"]
        return review_id

    async def until(self, review_id: str, *statuses: str, seconds: float = 10.0) -> dict[str, Any]:
        import asyncio

        from symbi_review.flow.transitions import load

        end = time.monotonic() + seconds
        while time.monotonic() < end:
            row = await self.service.store.read(load, review_id)
            if row is not None and row["status"] in statuses:
                return dict(row)
            await asyncio.sleep(0.01)
        raise AssertionError(f"{review_id} is {row['status'] if row else None}, not {statuses}")


@pytest.fixture(scope="session")
def signing_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One key ring for all tests, made through the public signer."""
    import importlib

    folder = tmp_path_factory.mktemp("keys") / "signing"
    keyring, config = importlib.import_module("symbi_rsa.keyring"), importlib.import_module("symbi_rsa.config")
    keyring.KeyRing(folder, config.RsaConfig(), None).ensure(datetime(2025, 12, 31, tzinfo=UTC))
    return folder


@pytest.fixture
def make_desk(make_app: Any, tmp_path: Path, signing_folder: Path) -> Callable[..., AbstractAsyncContextManager[Desk]]:
    """`make_desk(clock=…, **settings of [review])`."""

    @asynccontextmanager
    async def make(*, clock: Any = None, extra: tuple[Any, ...] = (), **settings: Any) -> AsyncIterator[Desk]:
        analyzer = FakeAnalyzer()

        class Plugin:
            __name__ = "fake_static"

            @hookimpl
            def review_analyzers(self) -> Any:
                @asynccontextmanager
                async def opened(config: Any, context: Any) -> AsyncIterator[FakeAnalyzer]:
                    yield analyzer

                yield Offer(name="static", open=opened)

        if not (tmp_path / "data" / "signing").exists():
            shutil.copytree(signing_folder, tmp_path / "data" / "signing")
        limits = {"enabled": False, **settings.pop("rate_limits", {})}
        jwt = settings.pop("jwt", {"secret": SECRET})
        tables = {"review": {"jwt": jwt, "rate_limits": limits, **settings}}
        async with make_app(
            [Plugin(), "symbi_rsa.plugin", "symbi_review.plugin", *extra], tables=tables, clock=clock
        ) as app:
            yield Desk(app, analyzer)

    return make


@pytest.fixture
async def desk(make_desk: Any) -> AsyncIterator[Desk]:
    async with make_desk() as desk:
        yield desk
