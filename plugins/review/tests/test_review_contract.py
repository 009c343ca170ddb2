"""TR-01, TR-14, TR-16, TR-21, TR-24: every endpoint of the seed with its shape, and one shape of errors."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import random
import zipfile
from typing import Any

import pytest
from jsonschema import validate


def shape(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(fields), "properties": fields}


TEXT, WHOLE, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
UUID = {"type": "string", "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"}
NULLABLE = {"type": ["string", "null"]}
FINDING = shape(
    severity=TEXT,
    category=TEXT,
    description=TEXT,
    location=TEXT,
    recommendation=TEXT,
    finding_id=TEXT,
    rule_id=TEXT,
    confidence=NUMBER,
)
ERROR = shape(error=shape(code=TEXT, message=TEXT, details={"type": "object"}), request_id=TEXT, timestamp=TIME)
PROGRAM = "import os\n\n\ndef f(x):\n    pass  # HIGH\n"


async def test_submit_answers_201_with_location(desk: Any) -> None:
    answer = await desk.as_("alice").post(
        "/sessions",
        {"tool_name": "t", "tool_version": "1.0.0", "source_code": "x = 1", "metadata": {"permissions": []}},
    )
    assert answer.status_code == 201
    validate(answer.json(), shape(review_id=UUID, status={"const": "submitted"}, created_at=TIME))
    assert answer.headers["location"] == f"/api/v1/sessions/{answer.json()['review_id']}"


async def test_the_nine_calls_of_the_seed(desk: Any) -> None:
    review_id = await desk.submit(PROGRAM)
    row = await desk.until(review_id, "pending_review")
    alice, bob = desk.as_("alice"), desk.as_("bob", "tool:approve")
    listed = (await alice.get("/sessions")).json()
    item = shape(review_id=UUID, tool_name=TEXT, status=TEXT, created_at=TIME, updated_at=TIME)
    validate(
        listed,
        shape(
            sessions={"type": "array", "items": item, "minItems": 1},
            pagination=shape(page=WHOLE, limit=WHOLE, total=WHOLE, has_next={"type": "boolean"}),
        ),
    )
    detail = (await alice.get(f"/sessions/{review_id}")).json()
    results = shape(
        risk_score=WHOLE,
        findings={"type": "array", "items": FINDING, "minItems": 1},
        recommendations={"type": "array", "items": TEXT},
    )
    validate(
        detail,
        shape(
            review_id=UUID,
            tool_name=TEXT,
            tool_version=TEXT,
            status=TEXT,
            analysis_results=results,
            created_at=TIME,
            updated_at=TIME,
            analysis_id=UUID,
        ),
    )
    assert detail["analysis_results"]["findings"][0]["location"] == "line 3"
    analysis = (await alice.get(f"/analysis/{row['analysis_id']}")).json()
    insight = shape(knowledge_source=TEXT, relevance_score={"type": "number", "minimum": 0, "maximum": 1}, insight=TEXT)
    validate(
        analysis,
        shape(
            analysis_id=UUID,
            review_id=UUID,
            risk_score=WHOLE,
            analysis_type={"const": "automated"},
            findings={"type": "array", "items": FINDING},
            rag_insights={"type": "array", "items": insight, "minItems": 1},
            completed_at=TIME,
        ),
    )
    queue = (await bob.get("/review/queue")).json()
    waiting = shape(
        review_id=UUID, tool_name=TEXT, risk_score=WHOLE, priority=TEXT, assigned_to=NULLABLE, escalated_at=TIME
    )
    validate(
        queue,
        shape(
            pending_reviews={"type": "array", "items": waiting, "minItems": 1},
            queue_stats=shape(total_pending=WHOLE, high_priority=WHOLE, average_wait_time=TEXT),
        ),
    )
    decided = (
        await bob.post(
            f"/review/{review_id}/decision",
            {"decision": "approve", "comments": "read it", "conditions": [], "reviewer_id": "bob"},
        )
    ).json()
    validate(
        decided,
        shape(
            review_id=UUID,
            decision={"const": "approve"},
            processed_at=TIME,
            next_status={"const": "approved_for_signing"},
        ),
    )
    await desk.until(review_id, "signed")
    signing = (await alice.get(f"/signing/{review_id}")).json()
    info = shape(algorithm={"const": "RSA-SHA256"}, key_id={"const": "signing-key-001"}, signature=TEXT, signed_at=TIME)
    validate(
        signing,
        shape(
            review_id=UUID,
            signing_status={"const": "completed"},
            signature_info=info,
            certificate_chain={"type": "array", "items": TEXT, "minItems": 1},
        ),
    )
    stats = (await bob.get("/stats")).json()
    bands = shape(low=WHOLE, medium=WHOLE, high=WHOLE)
    performance = shape(average_review_time=TEXT, auto_approval_rate=NUMBER, human_review_rate=NUMBER)
    security = shape(common_vulnerabilities={"type": "array", "items": TEXT}, risk_score_distribution=bands)
    validate(
        stats,
        shape(
            workflow_stats=shape(total_reviews=WHOLE, approved=WHOLE, rejected=WHOLE, pending=WHOLE),
            performance_metrics=performance,
            security_insights=security,
        ),
    )


async def test_the_download_is_the_same_every_time(desk: Any) -> None:
    review_id = await desk.submit()
    await desk.until(review_id, "signed")
    alice = desk.as_("alice")
    first, second = [await alice.get(f"/signing/{review_id}/download") for _ in range(2)]
    assert first.content == second.content
    assert first.headers["content-type"] == "application/vnd.symbi.signed-tool+zip"
    assert first.headers["content-disposition"].startswith('attachment; filename="tool-1.0.0.symtool"')
    digest = hashlib.sha256(first.content).hexdigest()
    assert first.headers["etag"] == f'"{digest}"'
    assert (await alice.get(f"/signing/{review_id}")).json()["signature_info"]["package_sha256"] == digest
    assert (
        await alice.get(f"/signing/{review_id}/download", headers={"if-none-match": f'"{digest}"'})
    ).status_code == 304
    part = await alice.get(f"/signing/{review_id}/download", headers={"range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"PK\x03\x04")
    head = await alice.request("HEAD", f"/signing/{review_id}/download")
    assert (head.status_code, head.content) == (200, b"")
    with zipfile.ZipFile(io.BytesIO(first.content)) as bundle:
        assert json.loads(bundle.read("META/statement.json"))["predicate"]["review_id"] == review_id
    fresh = await desk.service.signer()
    assert (await fresh.verify(first.content)).ok


async def test_the_missing_source_of_the_seed(desk: Any) -> None:
    answer = await desk.as_("alice").post("/sessions", {"tool_name": "t", "tool_version": "1.0.0", "metadata": {}})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["message"]) == ("INVALID_REQUEST", "Tool source code is required")
    assert {"field": "source_code", "reason": "missing_required_field"}.items() <= error["details"].items()


@pytest.mark.parametrize(
    ("body", "code", "field", "reason"),
    [
        ({"tool_name": 3}, "VALIDATION_ERROR", "tool_name", "wrong_type"),
        ({"tool_name": "../x"}, "VALIDATION_ERROR", "tool_name", "invalid_format"),
        ({"tool_version": "latest"}, "VALIDATION_ERROR", "tool_version", "invalid_format"),
        ({"source_code": "a\x00b"}, "VALIDATION_ERROR", "source_code", "invalid_unicode"),
        ({"source_code": "a" * ((1 << 20) + 1)}, "VALIDATION_ERROR", "source_code", "too_long"),
        ({"metadata": []}, "VALIDATION_ERROR", "metadata", "wrong_type"),
        ({"metadata": {"permissions": ["a", 2]}}, "VALIDATION_ERROR", "metadata.permissions[1]", "wrong_type"),
        ({"metadata": {"permissions": ["a"] * 65}}, "VALIDATION_ERROR", "metadata.permissions", "too_long"),
        ({"priority": "now"}, "VALIDATION_ERROR", "priority", "not_in_enum"),
    ],
)
async def test_a_wrong_field_is_named(desk: Any, body: dict[str, Any], code: str, field: str, reason: str) -> None:
    good = {"tool_name": "t", "tool_version": "1.0.0", "source_code": "x = 1", "metadata": {}}
    answer = await desk.as_("alice").post("/sessions", {**good, **body})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["details"]["field"], error["details"]["reason"]) == (code, field, reason)


async def test_bodies_that_are_no_json(desk: Any) -> None:
    alice = desk.as_("alice")
    for raw, status in (
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'{"a":1,"a":2}', 400),
        (b'{"a":NaN}', 400),
        (b"\xff", 400),
        (b"[" * 100_000, 400),
        (b"x" * (3 << 20), 413),
    ):
        answer = await alice.request("POST", "/sessions", content=raw, headers={"content-type": "application/json"})
        assert answer.status_code == status, raw[:20]
        validate(answer.json(), ERROR)
    assert (
        await alice.request("POST", "/sessions", content=b"a=1", headers={"content-type": "text/plain"})
    ).status_code == 415


async def test_pages(desk: Any) -> None:
    for number in range(5):
        await desk.submit(name=f"tool{number}")
    alice = desk.as_("alice")
    first = (await alice.get("/sessions?page=1&limit=2")).json()
    assert len(first["sessions"]) == 2
    assert first["pagination"] == {"page": 1, "limit": 2, "total": 5, "has_next": True}
    assert (await alice.get("/sessions?page=3&limit=2")).json()["pagination"]["has_next"] is False
    assert (await alice.get("/sessions?page=9")).json()["sessions"] == []
    for bad in ("page=0", "limit=0", "limit=101", "page=x", "status=nonsense"):
        assert (await alice.get(f"/sessions?{bad}")).status_code == 400
    assert (await alice.get("/sessions?status=approved&author=nobody")).json()["pagination"]["total"] == 0


async def test_unknown_and_foreign_reviews_look_the_same(desk: Any) -> None:
    review_id = await desk.submit()
    mallory = desk.as_("mallory")
    unknown = await mallory.get("/sessions/00000000-0000-0000-0000-000000000000")
    foreign = await mallory.get(f"/sessions/{review_id}")
    assert unknown.status_code == foreign.status_code == 404
    assert unknown.json()["error"] == foreign.json()["error"]
    assert (await mallory.get("/sessions")).json()["sessions"] == []
    for path in ("/review/queue", "/stats"):
        assert (await mallory.get(path)).status_code == 403


async def test_paths_and_methods_that_are_not_there(desk: Any) -> None:
    alice = desk.as_("alice")
    answer = await alice.request("PUT", "/sessions")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    for path in ("/sessions/a/b/c", "/review", "/signing", "/analysis"):
        answer = await alice.get(path)
        assert answer.status_code == 404
        validate(answer.json(), ERROR)


async def test_idempotency_keys(desk: Any) -> None:
    alice = desk.as_("alice")
    body = {"tool_name": "t", "tool_version": "1.0.0", "source_code": "x = 1"}
    first = await alice.post("/sessions", body, headers={"idempotency-key": "k1"})
    again = await alice.post("/sessions", body, headers={"idempotency-key": "k1"})
    assert (again.status_code, again.json()) == (201, first.json())
    other = await alice.post("/sessions", {**body, "tool_name": "u"}, headers={"idempotency-key": "k1"})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")


async def test_one_open_session_a_version(desk: Any) -> None:
    await desk.submit(PROGRAM)
    answer = await desk.as_("alice").post(
        "/sessions", {"tool_name": "tool", "tool_version": "1.0.0", "source_code": "x", "metadata": {"author": "alice"}}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "DUPLICATE_SUBMISSION")


async def test_every_error_has_the_one_shape(desk: Any) -> None:
    rng = random.Random(7)
    parts = [
        "sessions",
        "review",
        "signing",
        "analysis",
        "stats",
        "queue",
        "x",
        "%00",
        "..",
        "decision",
        "00000000-0000-0000-0000-000000000000",
        "a" * 300,
    ]
    people = [desk.as_("alice"), desk.as_("bob", "tool:approve"), desk.as_("root", "tool:admin")]
    for _ in range(300):
        path = "/" + "/".join(rng.choices(parts, k=rng.randint(1, 4)))
        if path.split("/")[1] not in ("sessions", "review", "signing", "analysis", "stats") or ".." in path:
            continue
        method = rng.choice(["GET", "POST", "PUT", "DELETE", "PATCH"])
        content = rng.choice([None, b"{}", b"[1]", b"\x00", b'{"decision":"approve"}', b'{"reason":[]}'])
        answer = await rng.choice(people).request(
            method, path, content=content, headers={"content-type": "application/json"} if content else {}
        )
        assert answer.status_code < 500, (method, path, content, answer.text)
        if answer.status_code >= 400:
            validate(answer.json(), ERROR)
            assert "Traceback" not in answer.text


async def test_a_hundred_at_once_all_finish(desk: Any) -> None:
    ids = await asyncio.gather(*(desk.submit(name=f"tool{number}") for number in range(100)))
    for review_id in ids:
        await desk.until(review_id, "signed", "approved_for_signing", "signing", seconds=30)


async def test_the_description_lists_every_path(desk: Any) -> None:
    from symbi_review.api.table import ENDPOINTS

    paths = (await desk.app.client.get("http://127.0.0.1:8080/openapi.json")).json()["paths"]
    for endpoint in ENDPOINTS:
        operation = paths["/api/v1" + endpoint.path][endpoint.method.lower()]
        assert {"tool review", "x-extension"} & set(operation["tags"])
    assert "tool review" in paths["/api/v1/sessions"]["post"]["tags"]
    assert "x-extension" in paths["/api/v1/review/{id}/claim"]["post"]["tags"]
