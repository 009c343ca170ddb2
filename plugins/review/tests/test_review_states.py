"""TR-02, TR-03, TR-04, TR-23, TR-24, TR-25, TR-29: states, four eyes, queue, appeals, suppressions, analyzers that fail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbi.contracts.review import AnalysisReport
from symbi.testing.clock import FakeClock
from symbi_review.flow.states import ACTIONS, FINAL, STATUSES, target_of

HIGH = "x = 'HIGH'"
APPROVE = {"decision": "approve", "comments": "I read all of it", "conditions": []}
REJECT = {"decision": "reject", "comments": "It contacts strangers", "conditions": []}
CHANGES = {"decision": "request_changes", "comments": "Please confine the path", "conditions": []}


def test_the_table_of_states_is_closed() -> None:
    assert len(STATUSES) == 13
    assert len(ACTIONS) >= 12
    for ways in ACTIONS.values():
        assert set(ways) <= set(STATUSES)
        assert set(ways.values()) <= set(STATUSES)
    for status in FINAL - {"rejected"}:
        assert not any(target_of(action, status) for action in ACTIONS)
    assert {action for action in ACTIONS if target_of(action, "rejected")} == {"appeal"}


@settings(max_examples=100)
@given(st.lists(st.sampled_from(sorted(ACTIONS)), max_size=40))
def test_no_path_leads_to_a_signature_without_an_approval(actions: list[str]) -> None:
    status, approved = "submitted", False
    for action in actions:
        after = target_of(action, status)
        if after is None:
            continue
        if action in ("approve", "auto_approve"):
            approved = True
        if action in ("resubmit", "reanalyze", "appeal"):
            approved = False
        status = after
        assert status not in ("approved_for_signing", "signing", "signed") or approved


CALLS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "claim": ("bob", "/review/{}/claim", {}),
    "release": ("bob", "/review/{}/release", {}),
    "approve": ("bob", "/review/{}/decision", APPROVE),
    "reject": ("bob", "/review/{}/decision", REJECT),
    "request_changes": ("bob", "/review/{}/decision", CHANGES),
    "resubmit": ("alice", "/sessions/{}/resubmit", {"source_code": "y = 2"}),
    "withdraw": ("alice", "/sessions/{}/withdraw", {}),
    "appeal": ("alice", "/sessions/{}/appeal", {"reason": "it is harmless"}),
    "revoke": ("root", "/sessions/{}/revoke", {"reason": "found out later"}),
    "reanalyze": ("root", "/analysis/{}/reanalyze", {}),
}
SCOPES = {"alice": "tool:review", "bob": "tool:approve", "root": "tool:admin"}


async def test_every_action_in_every_state_is_allowed_or_409(desk: Any) -> None:
    from sqlalchemy import update

    from symbi_review.flow.transitions import load
    from symbi_review.tables import SESSIONS

    desk.service.context.tasks  # the workers stay; states are set by hand below
    review_id = await desk.submit(HIGH)
    await desk.until(review_id, "pending_review")
    for status in STATUSES:
        if status in ("submitted", "analyzing", "approved_for_signing", "signing", "signing_failed"):
            continue  # the workers move these at once; the table test above covers them
        for name, (person, path, body) in CALLS.items():
            values = {
                "status": status,
                "claimed_by": "symbiont|bob",
                "lease_until": 4_000_000_000_000,
                "decision": None,
                "decided_at": None,
                "appealed": False,
                "not_by": [],
                "tries": 9,
                "expires_at": 4_000_000_000_000,
                "signing_key": None,
            }
            await desk.service.store.write(
                lambda c, v=values: c.execute(update(SESSIONS).where(SESSIONS.c.review_id == review_id).values(**v))
            )
            answer = await desk.as_(person, SCOPES[person]).post(path.format(review_id), body)
            allowed = target_of(name, status)
            if allowed is None:
                assert answer.status_code == 409, (status, name, answer.text)
                assert answer.json()["error"]["code"] == "INVALID_STATE_TRANSITION"
                assert (await desk.service.store.read(load, review_id))["status"] == status
            else:
                assert answer.status_code in (200, 202), (status, name, answer.text)


async def test_four_eyes(desk: Any) -> None:
    review_id = await desk.submit(HIGH)
    await desk.until(review_id, "pending_review")
    both = "tool:review tool:approve"
    for person, body, code in (
        ("alice", APPROVE, "REVIEWER_CONFLICT"),
        ("bob", {**APPROVE, "reviewer_id": "carol"}, "IDENTITY_MISMATCH"),
    ):
        answer = await desk.as_(person, both).post(f"/review/{review_id}/decision", body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, code)
    assert (await desk.as_("dave", "tool:review").post(f"/review/{review_id}/decision", APPROVE)).status_code == 403
    other = await desk.submit(HIGH, name="other", metadata={"author": "Bob", "permissions": []})
    await desk.until(other, "pending_review")
    assert (await desk.as_("bob", both).post(f"/review/{other}/decision", APPROVE)).json()["error"][
        "code"
    ] == "REVIEWER_CONFLICT"
    records = (await desk.as_("alice").get(f"/sessions/{review_id}/audit")).json()["records"]
    assert "decision_refused" in {record["action"] for record in records}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "INVALID_REQUEST"),
        ({"decision": "maybe"}, "VALIDATION_ERROR"),
        ({"decision": "reject", "comments": "short"}, "INVALID_REQUEST"),
        ({"decision": "request_changes"}, "INVALID_REQUEST"),
        ({"decision": "reject", "comments": "long enough it is", "conditions": ["x"]}, "VALIDATION_ERROR"),
        ({"decision": "approve", "conditions": "x"}, "VALIDATION_ERROR"),
    ],
)
async def test_decisions_that_are_wrong(desk: Any, body: dict[str, Any], code: str) -> None:
    review_id = await desk.submit(HIGH)
    await desk.until(review_id, "pending_review")
    answer = await desk.as_("bob", "tool:approve").post(f"/review/{review_id}/decision", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


async def test_a_second_decision_and_a_stale_one(desk: Any) -> None:
    review_id = await desk.submit(HIGH)
    await desk.until(review_id, "pending_review")
    bob = desk.as_("bob", "tool:approve")
    stale = await bob.post(f"/review/{review_id}/decision", {**APPROVE, "source_sha256": "0" * 64})
    assert (stale.status_code, stale.json()["error"]["code"]) == (412, "STALE_REVIEW")
    assert (await bob.post(f"/review/{review_id}/decision", APPROVE, headers={"if-match": '"old"'})).status_code == 412
    tag = (await bob.get(f"/sessions/{review_id}")).headers["etag"]
    assert (await bob.post(f"/review/{review_id}/decision", REJECT, headers={"if-match": tag})).json()[
        "next_status"
    ] == "rejected"
    second = await bob.post(f"/review/{review_id}/decision", APPROVE)
    assert (second.status_code, second.json()["error"]["code"]) == (409, "ALREADY_DECIDED")
    assert second.json()["error"]["details"]["first"]["decision"] == "reject"


async def test_edited_source_after_approval_is_never_signed(make_desk: Any) -> None:
    from sqlalchemy import update

    from symbi_review.tables import SESSIONS

    async with make_desk() as desk:
        review_id = await desk.submit(HIGH)
        await desk.until(review_id, "pending_review")

        def tamper(conn: Any) -> None:
            conn.execute(update(SESSIONS).where(SESSIONS.c.review_id == review_id).values(source_code="import os"))

        await desk.service.store.write(tamper)
        await desk.as_("bob", "tool:approve").post(f"/review/{review_id}/decision", APPROVE)
        row = await desk.until(review_id, "signing_failed")
        assert "not the one that was approved" in row["last_error"]
        assert (await desk.as_("alice").get(f"/signing/{review_id}/download")).status_code == 409


async def test_changes_are_asked_for_and_made(desk: Any) -> None:
    review_id = await desk.submit(HIGH)
    await desk.until(review_id, "pending_review")
    assert (await desk.as_("bob", "tool:approve").post(f"/review/{review_id}/decision", CHANGES)).json()[
        "next_status"
    ] == "changes_requested"
    session = (await desk.as_("alice").get(f"/sessions/{review_id}")).json()
    assert session["decision"]["comments"] == "Please confine the path"
    assert (
        await desk.as_("alice").post(
            f"/sessions/{review_id}/resubmit", {"source_code": "y = 2", "tool_version": "1.0.1"}
        )
    ).status_code == 200
    await desk.until(review_id, "signed")


async def test_an_appeal_goes_to_another_person_once(desk: Any) -> None:
    review_id = await desk.submit(HIGH)
    await desk.until(review_id, "pending_review")
    bob, carol, alice = desk.as_("bob", "tool:approve"), desk.as_("carol", "tool:approve"), desk.as_("alice")
    await bob.post(f"/review/{review_id}/decision", REJECT)
    shown = (await alice.get(f"/sessions/{review_id}")).json()
    assert all(f["rule_id"] and f["line"] and f["recommendation"] for f in shown["analysis_results"]["findings"])
    assert (await alice.post(f"/sessions/{review_id}/appeal", {"reason": "the host is ours"})).json()[
        "status"
    ] == "pending_review"
    assert (await bob.post(f"/review/{review_id}/decision", REJECT)).status_code == 403
    assert (await carol.post(f"/review/{review_id}/decision", REJECT)).json()["next_status"] == "rejected"
    assert (await alice.post(f"/sessions/{review_id}/appeal", {"reason": "again"})).status_code == 409


async def test_two_people_where_policy_wants_them(make_desk: Any) -> None:
    async with make_desk(two_person_min_risk=70) as desk:
        review_id = await desk.submit(HIGH)
        await desk.until(review_id, "pending_review")
        bob, carol = desk.as_("bob", "tool:approve"), desk.as_("carol", "tool:approve")
        assert (await bob.post(f"/review/{review_id}/decision", APPROVE)).json()[
            "next_status"
        ] == "pending_second_approval"
        assert (await bob.post(f"/review/{review_id}/decision", APPROVE)).status_code == 409
        assert (await carol.post(f"/review/{review_id}/decision", APPROVE)).json()[
            "next_status"
        ] == "approved_for_signing"
        assert len((await desk.until(review_id, "signed"))["approvals"]) == 2


async def test_conditions_bind(desk: Any) -> None:
    from symbi.contracts.review import ObservedPermission

    desk.analyzer.answer = lambda s: AnalysisReport(
        analyzer="static",
        version="0",
        observed=(ObservedPermission(permission="net.outbound:evil.example", line=1),),
        findings=(),
    )
    desk.service.config
    review_id = await desk.submit("", name="closed", schema={"type": "object"})
    await desk.until(review_id, "pending_review")
    body = {**APPROVE, "conditions": ["hosts:good.example", "be kind"]}
    await desk.as_("bob", "tool:approve").post(f"/review/{review_id}/decision", body)
    row = await desk.until(review_id, "signing_failed")
    assert "evil.example" in row["last_error"]
    assert row["conditions"] == ["hosts:good.example", "note: be kind"]


async def test_the_queue_is_ordered_and_escalates(make_desk: Any) -> None:
    clock = FakeClock()
    async with make_desk(clock=clock) as desk:
        first = await desk.submit(HIGH, name="first")
        urgent = await desk.submit(HIGH, name="urgent", priority="urgent")
        worst = await desk.submit("x = 'CRITICAL'", name="worst", priority="low")
        for review_id in (first, urgent, worst):
            await desk.until(review_id, "pending_review")
        bob = desk.as_("bob", "tool:approve")
        queue = (await bob.get("/review/queue")).json()
        assert [item["tool_name"] for item in queue["pending_reviews"]] == ["urgent", "worst", "first"]
        claimed = (await bob.post(f"/review/{first}/claim")).json()
        assert (claimed["status"], claimed["assigned_to"]) == ("under_review", "bob")
        other = await desk.as_("carol", "tool:approve").post(f"/review/{first}/decision", APPROVE)
        assert other.json()["error"]["code"] == "REVIEW_CLAIMED"
        clock.jump(3601)
        await desk.service.sweep()
        row = await desk.until(first, "pending_review")
        assert row["escalations"][0]["to"] == "lease_ended"
        clock.jump(24 * 3600)
        await desk.service.sweep()
        bob = desk.as_("bob", "tool:approve")
        item = next(i for i in (await bob.get("/review/queue")).json()["pending_reviews"] if i["review_id"] == worst)
        assert [step["to"] for step in item["sla_escalations"]] == ["overdue_4h", "overdue_8h", "overdue_24h"]
        assert (await bob.get("/review/queue")).json()["queue_stats"]["average_wait_time"] == "1d 1h"


async def test_ten_claimers_get_one_claim(desk: Any) -> None:
    review_id = await desk.submit(HIGH)
    await desk.until(review_id, "pending_review")
    answers = await asyncio.gather(
        *(desk.as_(f"r{i}", "tool:approve").post(f"/review/{review_id}/claim") for i in range(10))
    )
    assert sorted(a.status_code for a in answers) == [200, *[409] * 9]


async def test_changes_that_never_come_expire(make_desk: Any) -> None:
    clock = FakeClock()
    async with make_desk(clock=clock) as desk:
        review_id = await desk.submit(HIGH)
        await desk.until(review_id, "pending_review")
        await desk.as_("bob", "tool:approve").post(f"/review/{review_id}/decision", CHANGES)
        clock.jump(14 * 86_400 + 1)
        await desk.service.sweep()
        await desk.until(review_id, "expired")


def _raise(_: Any) -> Any:
    raise RuntimeError("boom")


@pytest.mark.parametrize("name", ["crash", "hang", "junk", "silent"])
async def test_an_analyzer_that_fails_is_a_gap_never_a_pass(make_desk: Any, name: str) -> None:
    async def hang(_: Any) -> Any:
        await asyncio.sleep(60)

    answers: dict[str, Any] = {
        "crash": _raise,
        "hang": hang,
        "junk": lambda s: {"risk": "safe"},
        "silent": lambda s: AnalysisReport(analyzer="static", version="0", complete=False),
    }
    async with make_desk(analysis_deadline_seconds=0.2) as desk:
        desk.analyzer.answer = answers[name]
        review_id = await desk.submit("x = 1")
        row = await desk.until(review_id, "pending_review")
        assert name == "silent" or row["risk_score"] >= 70


async def test_a_submission_whose_analysis_never_ends_goes_to_people(make_desk: Any) -> None:
    from sqlalchemy import update

    from symbi_review.tables import SESSIONS

    async with make_desk(workers=1) as desk:
        blocked = asyncio.Event()

        async def wait(_: Any) -> Any:
            await blocked.wait()

        desk.analyzer.answer = wait
        review_id = await desk.submit("x = 1")
        await desk.until(review_id, "analyzing")
        values = {"tries": 3, "lease_until": 0, "version": 99}
        await desk.service.store.write(
            lambda c: c.execute(update(SESSIONS).where(SESSIONS.c.review_id == review_id).values(**values))
        )
        blocked.set()
        assert (await desk.until(review_id, "pending_review"))["risk_score"] >= 70


async def test_a_missing_analyzer_sends_everything_to_people(make_desk: Any) -> None:
    async with make_desk(analyzers=["static", "nobody"]) as desk:
        review_id = await desk.submit("x = 1")
        await desk.until(review_id, "pending_review")
        assert desk.service.health().state == "degraded"


async def test_suppressions_are_scoped(desk: Any) -> None:
    review_id = await desk.submit(HIGH)
    await desk.until(review_id, "pending_review")
    bob = desk.as_("bob", "tool:approve")
    body = {"fingerprint": "HIGH", "reason": "reviewed in detail", "expires_at": "2999-01-01T00:00:00Z"}
    assert (await bob.post(f"/review/{review_id}/suppress", body)).status_code == 202
    row = await desk.until(review_id, "signed")
    assert row["risk_score"] == 0
    findings = (await bob.get(f"/sessions/{review_id}")).json()["analysis_results"]["findings"]
    assert [(f["suppressed"], f["suppression_reason"]) for f in findings] == [(True, "reviewed in detail")]
    other = await desk.submit(HIGH + "\n# changed", name="tool", tool_version="1.0.1")
    assert (await desk.until(other, "pending_review"))["risk_score"] >= 70


async def test_revoking_a_tool_and_a_key(desk: Any) -> None:
    first, second = await desk.submit(name="one"), await desk.submit(name="two")
    for review_id in (first, second):
        await desk.until(review_id, "signed")
    root, alice = desk.as_("root", "tool:admin"), desk.as_("alice")
    assert (await alice.post(f"/sessions/{first}/revoke", {"reason": "x"})).status_code == 403
    assert (await root.post(f"/sessions/{first}/revoke", {"reason": "it phones home"})).json()["status"] == "revoked"
    gone = await alice.get(f"/signing/{first}/download")
    assert (gone.status_code, gone.json()["error"]["code"]) == (410, "REVOKED")
    signer = await desk.service.signer()
    await signer.revoke("signing-key-001", reason="key_compromise", invalid_since_ms=0)
    assert (await alice.get(f"/signing/{second}/download")).status_code == 410
    third = await desk.submit(name="three")
    await desk.until(third, "signing_failed")
    await signer.rotate()
    assert (await root.post(f"/signing/{third}/sign", {})).json()["signing_status"] == "completed"


async def test_new_authors_can_be_held(make_desk: Any) -> None:
    async with make_desk(hold_new_authors=True) as desk:
        await desk.until(await desk.submit(), "pending_review")


async def test_the_chain_of_versions(desk: Any) -> None:
    import base64
    import json

    first = await desk.submit(name="chain", source="x = 1")
    await desk.until(first, "signed")
    second = await desk.submit(
        name="chain",
        source="x = 2",
        tool_version="1.1.0",
        metadata={"description": "changed", "author": "alice", "permissions": []},
    )
    await desk.until(second, "signed")
    info = (await desk.as_("alice").get(f"/signing/{first}")).json()["signature_info"]
    payload = (await desk.as_("alice").get(f"/signing/{second}")).json()["signature_info"]["payload"]
    assert json.loads(base64.b64decode(payload))["predicate"]["previous_package_sha256"] == info["package_sha256"]
    changes = (await desk.as_("bob", "tool:approve").get(f"/sessions/{second}")).json()["changes"]
    assert "x = 2" in changes["source_diff"]
    assert changes["metadata"]["description"] == {"was": "d", "is": "changed"}
