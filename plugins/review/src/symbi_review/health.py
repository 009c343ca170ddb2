"""The health of the review service."""

from __future__ import annotations

from typing import Any

from symbi.contracts.health import Health, unhealthy
from symbi.contracts.signing import ApprovalRegister
from symbi_review.service import ReviewService

__all__ = ["check"]


async def check(context: Any) -> Health:
    """Whether analyzers and signer are there."""
    service = context.services.maybe(ApprovalRegister)
    if not isinstance(service, ReviewService):
        return unhealthy("the review service is not open", remedy="symbi plugins doctor")
    return service.health()
