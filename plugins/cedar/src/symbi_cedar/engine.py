"""The engine: decides requests by Cedar policies that were parsed once."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from symbi.contracts.errors import InvalidRequest
from symbi.contracts.health import Health, degraded, healthy
from symbi.contracts.policy import Decision, PolicyRequest, ResourceFacts
from symbi.contracts.policy_sets import PolicyBundle, PolicyFinding, PolicyInvalid, PolicyReport
from symbi_cedar.config import CedarConfig
from symbi_cedar.context import Refused, build_context
from symbi_cedar.entities import EntityCache, Subject, subject_of
from symbi_cedar.lint import lint
from symbi_cedar.parse import ParsedPolicy, parse_source
from symbi_cedar.slices import CompiledSet
from symbi_cedar.verdict import denied, verdict
from symbi_cedar.visibility import could_be_allowed

__all__ = ["CedarEngine", "open_engine"]


@asynccontextmanager
async def open_engine(config: CedarConfig, context: Any) -> AsyncIterator[CedarEngine]:
    """Open an engine with no policies in force; it denies until the first `reload`."""
    yield CedarEngine(config)


class InForce(msgspec.Struct, frozen=True, kw_only=True):
    """One set of policies, whole and never changed; putting another in force replaces this one reference."""

    revision: str
    shared: CompiledSet
    layers: dict[str, CompiledSet]

    def for_surface(self, surface: str) -> CompiledSet:
        """Return the policies of a surface: the shared ones, and those of its own folder."""
        return self.layers.get(surface, self.shared)


class CedarEngine:
    """A `PolicyEngine` on cedarpy."""

    def __init__(self, config: CedarConfig | None = None) -> None:
        self._config = config or CedarConfig()
        self._entities = EntityCache(limit=self._config.cache_entries)
        self._in_force: InForce | None = None

    @property
    def revision(self) -> str:
        """The revision of the bundle in force, empty before the first."""
        return self._in_force.revision if self._in_force else ""

    def check(self, bundle: PolicyBundle) -> PolicyReport:
        """Parse and lint the bundle without putting it in force."""
        return self._read(bundle)[1]

    def reload(self, bundle: PolicyBundle) -> PolicyReport:
        """Put the bundle in force for all surfaces at once, or raise `PolicyInvalid` and keep the one before."""
        policies, report = self._read(bundle)
        if not report.ok:
            first = next(each for each in report.findings if each.severity == "error")
            where = f"{first.path or first.policy}{f':{first.line}' if first.line else ''}"
            raise PolicyInvalid(f"the policies are refused: {where}: {first.message}", report=report)
        shared = [each for each in policies if not each.source.layer]
        layers = {each.source.layer for each in policies if each.source.layer}
        self._in_force = InForce(
            revision=bundle.revision,
            shared=CompiledSet(shared),
            layers={
                name: CompiledSet([each for each in policies if each.source.layer in ("", name)]) for name in layers
            },
        )
        return report

    def decide(self, request: PolicyRequest) -> Decision:
        """Decide one request; whatever goes wrong is a denial that says so."""
        began = time.perf_counter_ns()
        try:
            found = self._decide(request)
        except Refused as refusal:
            found = denied(request, f"{request.label()} is denied: {refusal}", errors=(str(refusal),))
        except Exception as error:  # fail closed: an engine that breaks must not let anything through
            found = denied(
                request, f"{request.label()} is denied: policy could not be evaluated", errors=(repr(error),)
            )
        took = (time.perf_counter_ns() - began) // 1000
        return msgspec.structs.replace(found, revision=self.revision, latency_us=took)

    def decide_many(self, requests: Sequence[PolicyRequest]) -> list[Decision]:
        """Decide several requests, in order, each on its own."""
        return [self.decide(request) for request in requests]

    def visible_tools(self, request: PolicyRequest, tools: Iterable[ResourceFacts]) -> tuple[str, ...]:
        """Return the ids of the tools that could be allowed under some arguments (POL-60)."""
        force = self._in_force
        if force is None:
            return ()
        policies = force.for_surface(request.surface)
        visible = []
        for tool in tools:
            wanted = msgspec.structs.replace(request, action="tool_call", target=tool.id, resource=tool)
            try:
                subject = subject_of(wanted)
                entities = self._entities.get(wanted, subject)
            except Refused:
                continue
            if could_be_allowed(subject, self._slice(policies, subject), entities):
                visible.append(tool.id)
        return tuple(visible)

    def format(self, text: str) -> str:
        """Return the text in Cedar's canonical layout; comments stay."""
        import cedarpy

        try:
            return str(cedarpy.format_policies(text, line_width=100))
        except ValueError as error:
            raise InvalidRequest(f"the policies do not parse: {error}") from None

    def health(self) -> Health:
        """Say what is in force."""
        force = self._in_force
        if force is None:
            return degraded("no policies are in force: everything is denied", remedy="symbi policy check")
        layers = {name: len(each) for name, each in sorted(force.layers.items())}
        return healthy(f"{len(force.shared)} shared policies", revision=force.revision, layers=layers)

    def _decide(self, request: PolicyRequest) -> Decision:
        force = self._in_force
        if force is None:
            raise Refused("no policies are in force, since a policy file does not hold; `symbi policy check` names it")
        import cedarpy

        policies = force.for_surface(request.surface)
        subject = subject_of(request)
        asked = {
            "principal": subject.principal,
            "action": subject.action,
            "resource": subject.resource,
            "context": build_context(request, self._config),
        }
        entities = self._entities.get(request, subject)
        return verdict(
            request, cedarpy.is_authorized(asked, self._slice(policies, subject), entities), policies.policies
        )

    @staticmethod
    def _slice(policies: CompiledSet, subject: Subject) -> Any:
        return policies.slice(subject.action["id"], subject.group)

    def _read(self, bundle: PolicyBundle) -> tuple[list[ParsedPolicy], PolicyReport]:
        policies: list[ParsedPolicy] = []
        findings: list[PolicyFinding] = []
        for source in bundle.sources:
            parsed, faults = parse_source(source)
            policies += parsed
            findings += faults
        findings += lint(policies)
        places = {each.id: f"{each.source.path}:{each.line or 1}" for each in policies}
        report = PolicyReport(
            revision=bundle.revision,
            policies=tuple(each.id for each in policies),
            places=places,
            actions=tuple(sorted({action for each in policies for action in each.actions() or ()})),
            findings=tuple(findings),
        )
        return policies, report
