"""The review service: analyzers, signer, workers; what the routes call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from sqlalchemy import select

from symbi.contracts.errors import SymbiError, Unavailable
from symbi.contracts.health import Health, degraded, healthy
from symbi.contracts.review import ReviewAnalyzer
from symbi.contracts.signing import Approval, Signer
from symbi.kernel.points import REVIEW_ANALYZERS, SIGNERS
from symbi_review.config import ReviewConfig
from symbi_review.flow import work
from symbi_review.flow.analysis import analyze_with, gap, joined
from symbi_review.flow.states import APPROVED
from symbi_review.flow.transitions import Row, load
from symbi_review.limits import Limiter
from symbi_review.secretfile import token_secret
from symbi_review.tables import SESSIONS
from symbi_review.tokens import TokenGate
from symbi_review.webhooks import deliver_due

__all__ = ["ReviewService", "open_review"]

_SWEEP_SECONDS = 1.0
_MOST_TRIES = 3


class ReviewService:
    """One for a runtime; also the `ApprovalRegister` that signers ask."""

    def __init__(self, config: ReviewConfig, context: Any) -> None:
        self.config = config
        self.context = context
        self.store = context.store
        self.limiter = Limiter(context.clock.monotonic)
        self.gate = TokenGate(config.jwt, secret=token_secret(config.jwt, context.data_dir))
        self.changed = asyncio.Event()
        self._analyzers: dict[str, ReviewAnalyzer | None] = {}
        self._signer: Signer | None = None
        self._signer_fault = ""
        self._stack = AsyncExitStack()
        self._wake = asyncio.Event()
        self._ready = asyncio.Event()
        self._signing = asyncio.Lock()

    def now(self) -> int:
        return int(self.context.clock.now_ms())

    async def start(self) -> None:
        """Open what the configuration names, in the background where it takes time, and start the workers."""
        self.context.tasks.start("open", self._open())
        for number in range(max(1, self.config.workers)):
            self.context.tasks.start(f"analyze-{number}", self._loop(self.analyze_next, self._wake))
        self.context.tasks.start("sign", self._loop(self.sign_next, self._wake))
        self.context.tasks.start("sweep", self._sweeping())

    async def _open(self) -> None:
        for name in self.config.analyzers:
            try:
                self._analyzers[name] = await self._stack.enter_async_context(self.context.open(REVIEW_ANALYZERS, name))
            except SymbiError as error:
                self.context.logger.error("review analyzer %s cannot be opened: %s", name, error)
                self._analyzers[name] = None
        await self._open_signer()
        self._ready.set()

    async def _open_signer(self) -> None:
        try:
            self._signer = await self._stack.enter_async_context(self.context.open(SIGNERS, self.config.signer))
            self._signer_fault = ""
        except SymbiError as error:
            self._signer_fault = str(error)
            self.context.logger.error("signer %s cannot be opened: %s", self.config.signer, error)

    async def close(self) -> None:
        await self._stack.aclose()

    async def signer(self) -> Signer:
        """The signer. Raises `Unavailable` when there is none."""
        await self._ready.wait()
        if self._signer is None:
            await self._open_signer()
        if self._signer is None:
            raise Unavailable(
                f"the signer {self.config.signer!r} is not available: {self._signer_fault}", hint="symbi plugins doctor"
            )
        return self._signer

    async def _loop(self, step: Callable[[], Any], wake: asyncio.Event) -> None:
        await self._ready.wait()
        while True:
            try:
                busy = await step()
            except Exception:
                self.context.logger.exception("a worker of the review failed; the lease it held will end")
                busy = False
            if not busy:
                self._idle(wake)
                try:
                    async with asyncio.timeout(0.5):  # wait_for may swallow a cancellation that comes with the result
                        await wake.wait()
                except TimeoutError:
                    continue

    def _idle(self, wake: asyncio.Event) -> None:
        wake.clear()

    def wake(self) -> None:
        """Tell workers and waiting readers that something has changed."""
        self._wake.set()
        self.changed.set()
        self.changed = asyncio.Event()

    async def analyze_next(self) -> bool:
        """Analyze one session, if one waits."""
        now = self.now()
        waiting = await self.store.read(
            lambda c: c.execute(
                select(SESSIONS.c.review_id).where(SESSIONS.c.status.in_(["submitted", "analyzing"])).limit(1)
            ).first()
        )
        if waiting is None:
            return False
        row: Row | None = await self.store.write(lambda c: work.next_to_analyze(c, now=now))
        if row is None:
            return False
        submission = await self.store.read(lambda c: work.submission_of(c, row))
        if row["tries"] > _MOST_TRIES:
            reports = [gap("review", f"was begun {_MOST_TRIES} times and never ended")]
        else:
            reports = await analyze_with(self._analyzers, submission, deadline=self.config.analysis_deadline_seconds)
        digest = next((report.normalised_hash for report in reports if report.normalised_hash), "")

        def facts(conn: Any) -> Any:
            return work.suppressed_for(conn, row, now=now), work.past_reviews(conn, row, digest)

        suppressed, past = await self.store.read(facts)
        report = joined(reports, suppressed, past)
        await self.store.write(lambda c: work.keep_analysis(c, row, report, self.config, now=self.now()))
        self.wake()
        return True

    async def sign_next(self) -> bool:
        """Sign one approved session, if one is due."""
        due = await self.store.read(
            lambda c: c.execute(
                select(SESSIONS.c.review_id)
                .where(SESSIONS.c.status.in_(["approved_for_signing", "signing", "signing_failed"]))
                .limit(1)
            ).first()
        )
        if due is None:
            return False
        async with self._signing:
            leased = await self.store.write(lambda c: work.next_to_sign(c, now=self.now()))
            return False if leased is None else await self._sign(*leased)

    async def sign_now(self, review_id: str) -> None:
        """One more try for a session that is held (an operator's retry)."""
        async with self._signing:

            def lease(conn: Any) -> Any:
                row = load(conn, review_id)
                return (
                    work.lease_for_signing(conn, row, now=self.now())
                    if row is not None and row["status"] in ("approved_for_signing", "signing_failed")
                    else None
                )

            leased = await self.store.write(lease)
            if leased is not None:
                await self._sign(*leased)

    async def _sign(self, row: Row, report: dict[str, Any], previous: Row | None) -> bool:
        request, forbidden = work.package_request(row, report, previous, self.config)
        try:
            if forbidden is not None:
                await self.store.write(
                    lambda c: work.signing_failed(
                        c, row, f"a condition is contradicted: {forbidden}", self.config, now=self.now(), final=True
                    )
                )
                return True
            package = await (await self.signer()).sign(request)
            await self.store.write(lambda c: work.keep_package(c, row, package, now=self.now()))
        except SymbiError as error:
            reason = error.message
            await self.store.write(lambda c: work.signing_failed(c, row, reason, self.config, now=self.now()))
        self.wake()
        return True

    async def approval(self, review_id: str) -> Approval | None:
        """See `ApprovalRegister.approval`: read from the store, whatever the caller says."""
        row = await self.store.read(load, review_id)
        if (
            row is None
            or row["status"] not in APPROVED
            or not row["approvals"]
            or (row["decision"] or {}).get("decision") != "approve"
        ):
            return None
        last = row["approvals"][-1]
        if last["source_sha256"] != row["source_sha256"] or last["analysis_id"] != row["analysis_id"]:
            return None
        return Approval(
            review_id=review_id,
            source_sha256=row["source_sha256"],
            metadata_sha256=row["metadata_sha256"],
            analysis_id=row["analysis_id"],
        )

    async def sweep(self) -> None:
        """Leases, escalations, expiries, revoked keys, due deliveries."""
        await self.store.write(lambda c: work.sweep(c, now=self.now()))
        await self.check_keys()
        await deliver_due(self)

    async def check_keys(self) -> None:
        """Follow revocations of keys that were made elsewhere (the command line, another node)."""
        if self._signer is None:
            return
        keys = [key for key in await self._signer.keys() if key.state == "revoked"]
        if keys:
            hit = await self.store.read(
                lambda c: c.execute(
                    select(SESSIONS.c.review_id)
                    .where((SESSIONS.c.status == "signed") & SESSIONS.c.signing_key.in_([k.key_id for k in keys]))
                    .limit(1)
                ).first()
            )
            if hit is not None:
                await self.store.write(lambda c: work.revoke_by_keys(c, keys, now=self.now()))

    async def _sweeping(self) -> None:
        await self._ready.wait()
        while True:
            try:
                await self.sweep()
            except Exception:
                self.context.logger.exception("the sweep of the review failed")
            await self.context.clock.sleep(_SWEEP_SECONDS)

    async def wait_change(self, seconds: float) -> None:
        """Wait until something changes, or the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self.changed.wait()
        except TimeoutError:
            return

    def health(self) -> Health:
        """Whether analyzers and signer are there."""
        if not self._ready.is_set():
            return healthy("starting")
        absent = [name for name, analyzer in self._analyzers.items() if analyzer is None]
        if absent:
            return degraded(
                f"analyzers are not available: {', '.join(absent)}",
                remedy="every submission goes to people until they are: symbi plugins doctor",
            )
        if self._signer is None:
            return degraded(
                f"the signer is not available: {self._signer_fault}", remedy="approved tools wait: symbi plugins doctor"
            )
        return healthy("analyzers and signer are open")


@asynccontextmanager
async def open_review(config: ReviewConfig, context: Any) -> AsyncIterator[ReviewService]:
    """Open the service."""
    service = ReviewService(config, context)
    await service.start()
    try:
        yield service
    finally:
        await service.close()
