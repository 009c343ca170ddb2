"""Policy engines (hook `policy_engines`): a language of policies, and how it decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from symbi.contracts.health import Health
from symbi.contracts.offers import Offer
from symbi.contracts.policy import Decision, PolicyRequest, ResourceFacts
from symbi.contracts.policy_sets import PolicyBundle, PolicyReport

__all__ = ["PolicyEngine", "PolicyEngineOffer"]


@runtime_checkable
class PolicyEngine(Protocol):
    """Turns policy texts into decisions; one instance serves all surfaces.

    Before the first `reload` every decision is a denial. Everything here is synchronous, does no I/O and never blocks
    the event loop for longer than the decision takes. `decide` never raises: whatever goes wrong is a denial that
    says so.
    """

    @property
    def revision(self) -> str:
        """The revision of the bundle in force, empty before the first."""
        ...

    def check(self, bundle: PolicyBundle) -> PolicyReport:
        """Parse and lint the bundle without putting it in force."""
        ...

    def reload(self, bundle: PolicyBundle) -> PolicyReport:
        """Put the bundle in force at once for all surfaces, or raise `PolicyInvalid` and keep the one before."""
        ...

    def decide(self, request: PolicyRequest) -> Decision:
        """Decide one request: `allow` (with obligations) or `deny`; never `hold` or `modify`, which the gate makes of
        obligations.
        """
        ...

    def decide_many(self, requests: Sequence[PolicyRequest]) -> list[Decision]:
        """Decide several requests, in order, each on its own."""
        ...

    def visible_tools(self, request: PolicyRequest, tools: Iterable[ResourceFacts]) -> tuple[str, ...]:
        """Return the ids of the tools that could be allowed under some arguments, in order; the rest can never be
        (POL-60).
        """
        ...

    def format(self, text: str) -> str:
        """Return the text in the language's canonical layout; raises `InvalidRequest` when it does not parse."""
        ...

    def health(self) -> Health:
        """Say what is in force and whether it works."""
        ...


class PolicyEngineOffer(Offer, frozen=True, kw_only=True):
    """A policy engine that `[policy] engine` can name. `open(config, context)` gives a `PolicyEngine`; `suffixes` are
    the files it reads.
    """

    suffixes: tuple[str, ...] = (".cedar",)
