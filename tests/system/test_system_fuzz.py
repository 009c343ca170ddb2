"""The whole API against inputs made from its own description: no 5xx, no answer that its description does not know."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

schemathesis = pytest.importorskip("schemathesis")
FailureGroup = schemathesis.core.failures.FailureGroup

LEFT_OUT = r"/review/logout|/events$"
OPEN_REVIEW = "\n[review]\njwt = { accept_admin_token = true }\nrate_limits = { enabled = false }\n"


def test_nothing_answers_5xx_or_out_of_form(project: Path, start_server) -> None:
    with (project / "symbi.toml").open("a") as settings:
        settings.write(OPEN_REVIEW)
    server = start_server(project)
    headers = {"Authorization": f"Bearer {server.token}"}
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json").exclude(path_regex=LEFT_OUT)
    checks = [
        schemathesis.checks.not_a_server_error,
        schemathesis.specs.openapi.checks.response_schema_conformance,
        schemathesis.specs.openapi.checks.content_type_conformance,
    ]
    seen = 0
    broken: list[str] = []
    for result in schema.get_all_operations():
        operation = result.ok()

        @hypothesis.seed(7)
        @hypothesis.settings(
            max_examples=6,
            deadline=None,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
            phases=[hypothesis.Phase.generate],
        )
        @hypothesis.given(case=operation.as_strategy())
        def probe(case) -> None:
            nonlocal seen
            seen += 1
            answer = case.call(headers=headers, timeout=20)
            try:
                case.validate_response(answer, checks=checks)
            except (Exception, FailureGroup) as error:
                broken.append(f"{case.method} {case.path} {answer.status_code}: {str(error)[:300]}")

        probe()
    assert not broken, f"{len(broken)} of {seen}: " + "\n".join(broken[:10])
    assert seen > 300
    log = (project / "server.log").read_text()
    assert "Traceback" not in log, log[log.index("Traceback") :][:3000]
