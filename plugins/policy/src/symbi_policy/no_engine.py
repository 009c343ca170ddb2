"""Stands where no engine is installed, and denies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from symbi.contracts.errors import InvalidRequest
from symbi.contracts.health import Health, unhealthy
from symbi.contracts.policy import Decision, PolicyRequest, ResourceFacts
from symbi.contracts.policy_sets import PolicyBundle, PolicyFinding, PolicyReport

__all__ = ["NoEngine"]


class NoEngine:
    """A `PolicyEngine` that knows no language: any policy text is an error, any request a denial."""

    revision = ""

    def __init__(self, name: str) -> None:
        self._reason = f"no policy engine {name!r} is installed"
        self._hint = f"pip install symbi-{name}"

    def check(self, bundle: PolicyBundle) -> PolicyReport:
        """Find every source unreadable."""
        message = f"{self._reason}; {self._hint}"
        findings = tuple(
            PolicyFinding(severity="error", code="no-engine", message=message, path=each.path)
            for each in bundle.sources
        )
        return PolicyReport(revision=bundle.revision, findings=findings)

    def reload(self, bundle: PolicyBundle) -> PolicyReport:
        """Accept only the empty bundle."""
        return self.check(bundle)

    def decide(self, request: PolicyRequest) -> Decision:
        """Deny."""
        return Decision(decision="deny", reason=f"{request.label()} is denied: {self._reason}", errors=(self._reason,))

    def decide_many(self, requests: Sequence[PolicyRequest]) -> list[Decision]:
        """Deny each."""
        return [self.decide(request) for request in requests]

    def visible_tools(self, request: PolicyRequest, tools: Iterable[ResourceFacts]) -> tuple[str, ...]:
        """Show none."""
        return ()

    def format(self, text: str) -> str:
        """Refuse."""
        raise InvalidRequest(self._reason, hint=self._hint)

    def health(self) -> Health:
        """Say what is missing."""
        return unhealthy(self._reason, remedy=self._hint)
