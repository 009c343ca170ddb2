"""TR-19: rate limits are exact, and their headers stand on every answer."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from symbi.testing.clock import FakeClock
from symbi_review.limits import Limiter

ON = {"rate_limits": {"enabled": True}}
HEADERS = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


async def test_ten_submissions_a_minute_then_429(make_desk: Any) -> None:
    clock = FakeClock()
    async with make_desk(clock=clock, **ON) as desk:
        alice = desk.as_("alice")
        for number in range(10):
            answer = await alice.post(
                "/sessions", {"tool_name": f"t{number}", "tool_version": "1.0.0", "source_code": "x"}
            )
            assert answer.status_code == 201
            assert answer.headers["x-ratelimit-limit"] == "10"
            assert answer.headers["x-ratelimit-remaining"] == str(9 - number)
            assert int(answer.headers["x-ratelimit-reset"]) == int(clock.now().timestamp()) + 60
        refused = await alice.post("/sessions", {"tool_name": "t", "tool_version": "1.0.0", "source_code": "x"})
        assert refused.status_code == 429
        error = refused.json()["error"]
        assert error["code"] == "RATE_LIMITED"
        assert error["details"] == {"class": "submission", "limit": 10, "window_seconds": 60, "retry_after_seconds": 60}
        assert refused.headers["retry-after"] == "60"
        other = await desk.as_("carol").post(
            "/sessions", {"tool_name": "other", "tool_version": "1.0.0", "source_code": "x"}
        )
        assert other.status_code == 201, "one user's limit is not another's"
        assert (await alice.get("/sessions")).status_code == 200, "nor one class's another's"


async def test_a_hundred_queries_and_bad_ones_count(make_desk: Any) -> None:
    async with make_desk(clock=FakeClock(), **ON) as desk:
        alice = desk.as_("alice")
        statuses = [
            (await alice.get("/sessions?page=0" if n % 2 else "/sessions/unknown/path")).status_code for n in range(100)
        ]
        assert set(statuses) == {400, 404}
        assert (await alice.get("/sessions")).status_code == 429


async def test_twenty_downloads_a_minute(make_desk: Any) -> None:
    async with make_desk(**ON) as desk:
        review_id = await desk.submit()
        await desk.until(review_id, "signed")
        alice = desk.as_("alice")
        answers = [await alice.get(f"/signing/{review_id}/download") for _ in range(21)]
        assert [a.status_code for a in answers] == [200] * 20 + [429]


async def test_the_headers_stand_on_every_answer(make_desk: Any) -> None:
    async with make_desk(**ON) as desk:
        alice = desk.as_("alice")
        review_id = await desk.submit()
        await desk.until(review_id, "signed")
        tag = (await alice.get(f"/sessions/{review_id}")).headers["etag"]
        answers = [
            await desk.anonymous.get("/sessions"),
            await desk.anonymous.get("/sessions", headers={"authorization": "Bearer x.y.z"}),
            await alice.get("/stats"),
            await alice.get("/sessions/none"),
            await alice.get("/signing/a/b/c"),
            await alice.request("DELETE", "/stats"),
            await alice.request(
                "POST", "/sessions", content=b"x" * (3 << 20), headers={"content-type": "application/json"}
            ),
            await alice.request("POST", "/sessions", content=b"{}", headers={"content-type": "text/plain"}),
            await alice.get(f"/sessions/{review_id}", headers={"if-none-match": tag}),
            await alice.get(f"/signing/{review_id}/download"),
            await desk.anonymous.get("/signing/root"),
        ]
        assert [a.status_code for a in answers] == [401, 401, 403, 404, 404, 405, 413, 415, 304, 200, 200]
        for answer in answers:
            assert all(answer.headers.get(name, "").isdigit() for name in HEADERS), (
                answer.status_code,
                answer.request.url,
            )


async def test_failed_logins_are_limited_by_address(make_desk: Any) -> None:
    async with make_desk(clock=FakeClock(), rate_limits={"enabled": True, "failed_logins": 3}) as desk:
        statuses = [(await desk.anonymous.get("/sessions")).status_code for _ in range(5)]
        assert statuses == [401, 401, 401, 429, 429]


@settings(max_examples=100)
@given(st.lists(st.floats(0, 30), min_size=1, max_size=60), st.integers(1, 10))
def test_no_window_of_sixty_seconds_ever_holds_more(pauses: list[float], limit: int) -> None:
    now = 0.0
    limiter = Limiter(lambda: now)
    taken: list[float] = []
    for pause in pauses:
        now += pause
        standing = limiter.take("a", "k", limit)
        if standing.allowed:
            taken.append(now)
        else:
            assert len([t for t in taken if t > now - 60]) >= limit
        assert standing.remaining == limit - len([t for t in taken if t > now - 60])
    for end in taken:
        assert len([t for t in taken if end - 60 < t <= end]) <= limit
