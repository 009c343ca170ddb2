"""TR-22, TR-27 and the small laws: the seed's figures, durations, percentages, the audit chain, insights."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, update

from symbi_review.audit import append, verify_chain
from symbi_review.durations import duration_text
from symbi_review.knowledge.insights import search
from symbi_review.knowledge.notes import NOTES
from symbi_review.stats import percentages, statistics
from symbi_review.tables import ANALYSES, AUDIT, SESSIONS

SEED = {
    "workflow_stats": {"total_reviews": 1250, "approved": 1100, "rejected": 125, "pending": 25},
    "performance_metrics": {"average_review_time": "45m", "auto_approval_rate": 0.78, "human_review_rate": 0.22},
    "security_insights": {
        "common_vulnerabilities": ["sql_injection", "xss", "code_injection"],
        "risk_score_distribution": {"low": 45, "medium": 35, "high": 20},
    },
}


def session(
    number: int, status: str, *, score: int, routed: str, decided: bool, categories: list[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    blank = {column.name: None for column in SESSIONS.columns}
    ids = {"review_id": f"r{number}", "analysis_id": f"a{number}"}
    row = {
        **blank, **ids, "tool_name": "t", "tool_version": "1", "author": "a", "submitter": "s", "status": status, "version": 1, "source_code": "", "source_sha256": "", "schema_text": "",
        "language": "", "metadata": {}, "metadata_sha256": "", "priority": "normal", "created_at": 0, "updated_at": 0, "risk_score": score, "routed": routed,
        "decided_at": 45 * 60_000 if decided else None, "tries": 0, "appealed": False,
    }  # fmt: skip
    findings = [{"category": name, "suppressed": False, "severity": "high"} for name in categories]
    return row, {**ids, "source_sha256": "", "report": {"findings": findings}, "risk_score": score, "completed_at": 0}


async def test_the_figures_of_the_seed_come_out(desk: Any) -> None:
    rows = []
    for number in range(1250):
        status = "signed" if number < 1100 else "rejected" if number < 1225 else "pending_review"
        score = 10 if number < 562 else 50 if number < 1000 else 90
        names = ["sql_injection"] * (number < 300) + ["xss"] * (number < 200) + ["code_injection"] * (number < 100)
        rows.append(
            session(
                number,
                status,
                score=score,
                routed="auto" if number < 975 else "human",
                decided=number < 1225,
                categories=names,
            )
        )

    def fill(conn: Any) -> None:
        conn.execute(insert(SESSIONS), [row for row, _ in rows])
        conn.execute(insert(ANALYSES), [report for _, report in rows])

    await desk.service.store.write(fill)
    found = await desk.service.store.read(lambda c: statistics(c, since=None, until=None, limit=10))
    for block, values in SEED.items():
        assert {key: found[block][key] for key in values} == values  # type: ignore[attr-defined]


async def test_nothing_gives_zeros(desk: Any) -> None:
    answer = (await desk.as_("bob", "tool:approve").get("/stats")).json()
    assert (
        answer["performance_metrics"]["auto_approval_rate"] == answer["performance_metrics"]["human_review_rate"] == 0.0
    )
    assert answer["security_insights"]["risk_score_distribution"] == {"low": 0, "medium": 0, "high": 0}


def test_durations() -> None:
    known = {
        0: "0m",
        59: "0m",
        60: "1m",
        2700: "45m",
        9000: "2h 30m",
        7200: "2h",
        100_800: "1d 4h",
        86_400: "1d",
        86_460: "1d",
    }
    assert {seconds: duration_text(seconds) for seconds in known} == known


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(["low", "medium", "high"]), st.integers(0, 10_000), min_size=3, max_size=3))
def test_percentages_sum_to_a_hundred(counts: dict[str, int]) -> None:
    found = percentages(counts)
    assert sum(found.values()) == (100 if sum(counts.values()) else 0)
    for name, value in found.items():
        assert not sum(counts.values()) or abs(value - 100 * counts[name] / sum(counts.values())) < 1


async def test_the_audit_chain_finds_every_change(desk: Any) -> None:
    store = desk.service.store
    for number in range(6):
        await store.write(lambda c, n=number: append(c, at=n, review_id="r", actor="a", action="x"))
    assert (await store.read(verify_chain))["ok"]
    for change in (
        update(AUDIT).where(AUDIT.c.seq == 3).values(actor="mallory"),
        delete(AUDIT).where(AUDIT.c.seq == 2),
    ):

        class Undo(Exception):
            pass

        def attempt(conn: Any, statement: Any = change) -> None:
            conn.execute(statement)
            assert not verify_chain(conn)["ok"]
            raise Undo

        try:
            await store.write(attempt)
        except Undo:
            pass
    assert (await store.read(verify_chain)) == {"ok": True, "records": 6, "first_bad": None, "reason": None}


def test_the_knowledge_base_finds_its_own_notes() -> None:
    for category in NOTES:
        best, relevance = search(category)[0]
        assert best == category
        assert 0.5 <= relevance <= 1
    assert search("zzzz") == []
