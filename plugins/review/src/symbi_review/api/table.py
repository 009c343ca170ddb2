"""The paths of the review API: method, pattern, class of rate limit, handler."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache

from symbi_review.api import installing, reviewing, sessions, signed, watching
from symbi_review.api.answers import Answer, Call

__all__ = ["ENDPOINTS", "Endpoint", "find"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path; `body` is required, optional or none."""

    method: str
    path: str
    kind: str
    handler: Callable[[Call], Awaitable[Answer]]
    body: str = "none"
    open: bool = False


ENDPOINTS = (
    Endpoint("POST", "/sessions", "submission", sessions.submit, "required"),
    Endpoint("GET", "/sessions", "query", sessions.list_sessions),
    Endpoint("GET", "/sessions/{id}", "query", sessions.get_session),
    Endpoint("POST", "/sessions/{id}/resubmit", "submission", sessions.resubmit_session, "required"),
    Endpoint("POST", "/sessions/{id}/withdraw", "decision", sessions.withdraw_session, "optional"),
    Endpoint("POST", "/sessions/{id}/appeal", "decision", sessions.appeal_session, "required"),
    Endpoint("POST", "/sessions/{id}/revoke", "decision", signed.revoke_tool, "required"),
    Endpoint("GET", "/sessions/{id}/audit", "query", watching.session_audit),
    Endpoint("GET", "/sessions/{id}/events", "query", watching.session_events),
    Endpoint("GET", "/analysis/{id}", "query", sessions.get_analysis),
    Endpoint("POST", "/analysis/{id}/reanalyze", "submission", reviewing.reanalyze, "optional"),
    Endpoint("GET", "/review/queue", "query", reviewing.queue),
    Endpoint("GET", "/review/events", "query", watching.all_events),
    Endpoint("GET", "/review/verify-audit", "query", watching.check_audit),
    Endpoint("POST", "/review/logout", "decision", watching.logout, "optional"),
    Endpoint("POST", "/review/{id}/claim", "decision", reviewing.claim_review, "optional"),
    Endpoint("POST", "/review/{id}/release", "decision", reviewing.release_review, "optional"),
    Endpoint("POST", "/review/{id}/assign", "decision", reviewing.assign, "required"),
    Endpoint("POST", "/review/{id}/priority", "decision", reviewing.reprioritise, "required"),
    Endpoint("POST", "/review/{id}/decision", "decision", reviewing.decide_review, "required"),
    Endpoint("POST", "/review/{id}/suppress", "decision", reviewing.suppress, "required"),
    Endpoint("GET", "/signing/root", "query", signed.root, open=True),
    Endpoint("GET", "/signing/crl", "query", signed.crl, open=True),
    Endpoint("GET", "/signing/keys", "query", signed.keys),
    Endpoint("GET", "/signing/installed", "query", installing.list_installed),
    Endpoint("POST", "/signing/installed", "decision", installing.install, "required"),
    Endpoint("POST", "/signing/installed/{name}/accept", "decision", installing.accept, "required"),
    Endpoint("POST", "/signing/installed/{name}/remove", "decision", installing.remove, "optional"),
    Endpoint("GET", "/signing/{id}", "query", signed.signing_status),
    Endpoint("POST", "/signing/{id}/sign", "decision", signed.sign_again, "optional"),
    Endpoint("GET", "/signing/{id}/package", "download", signed.package_json),
    Endpoint("GET", "/signing/{id}/download", "download", signed.download),
    Endpoint("GET", "/stats", "query", watching.stats),
)


@lru_cache(maxsize=1)
def _compiled() -> tuple[tuple[Endpoint, re.Pattern[str]], ...]:
    return tuple(
        (endpoint, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", endpoint.path))) for endpoint in ENDPOINTS
    )


def find(method: str, path: str) -> tuple[Endpoint | None, dict[str, str], list[str]]:
    """(endpoint, parameters, allowed methods); a fixed path wins over one with parameters, by the order of the table."""
    clean = path.rstrip("/") or "/"
    allowed: list[str] = []
    wanted = "GET" if method == "HEAD" else method
    for endpoint, pattern in _compiled():
        match = pattern.fullmatch(clean)
        if match is None:
            continue
        if endpoint.method == wanted:
            return endpoint, match.groupdict(), []
        allowed.append(endpoint.method)
    return None, {}, sorted({*allowed, *(["HEAD"] if "GET" in allowed else [])})
