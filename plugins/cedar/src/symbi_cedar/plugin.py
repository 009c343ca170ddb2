"""What this plugin offers: the policy engine `cedar`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symbi import hookimpl

if TYPE_CHECKING:
    from symbi.contracts.policy_engines import PolicyEngineOffer


@hookimpl
def policy_engines() -> Iterable[PolicyEngineOffer]:
    """Offer the engine that reads `*.cedar` files."""
    from symbi.contracts.policy_engines import PolicyEngineOffer

    yield PolicyEngineOffer(
        name="cedar",
        config="symbi_cedar.config:CedarConfig",
        open="symbi_cedar.engine:open_engine",
        summary="Cedar policies, parsed once per reload; deny unless permitted.",
        suffixes=(".cedar", ".json"),
    )
