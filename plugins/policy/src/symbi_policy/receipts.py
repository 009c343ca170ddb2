"""Receipts: proof that this gate admitted exactly this action, good for one dispatch (RSN-1)."""

from __future__ import annotations

import copy
import secrets
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from symbi.contracts.errors import CapacityExceeded
from symbi.contracts.policy import Decision, PolicyRequest, Receipt, ReceiptRefused, action_hash

__all__ = ["ReceiptBook"]


class ReceiptBook:
    """The receipts that are out. The book is the truth: what a receipt says of itself counts for nothing."""

    def __init__(self, monotonic: Callable[[], float], *, lifetime: float, most: int = 10_000) -> None:
        self._monotonic = monotonic
        self._lifetime = lifetime
        self._most = most
        self._out: OrderedDict[str, tuple[float, Receipt]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._out)

    def mint(self, request: PolicyRequest, decision: Decision, *, revision: str) -> Receipt:
        """Return a new receipt for the action as it may be carried out."""
        self._forget_old()
        if len(self._out) >= self._most:
            raise CapacityExceeded(
                f"{self._most} admitted actions wait for their dispatch", hint="try again in a moment"
            )
        receipt = Receipt(
            id=secrets.token_urlsafe(24),
            action_hash=action_hash(request),
            policy_revision=revision,
            agent_revision=request.agent.revision if request.agent else "",
            request=request,
            decision=decision,
        )
        own = msgspec.structs.replace(request, arguments=copy.deepcopy(request.arguments))
        kept = msgspec.structs.replace(receipt, request=own)
        self._out[receipt.id] = (self._monotonic() + self._lifetime, kept)
        return receipt

    def redeem(self, receipt: Receipt, *, revision: str) -> PolicyRequest:
        """Use up a receipt and return the action that was admitted; raises `ReceiptRefused`."""
        kept = self._out.pop(receipt.id, None)
        if kept is None:
            raise ReceiptRefused("this gate minted no such receipt, or it has been used")
        until, minted = kept
        if receipt != minted or action_hash(receipt.request) != minted.action_hash:
            raise ReceiptRefused("the receipt was changed after it was minted")
        if self._monotonic() > until:
            raise ReceiptRefused("the receipt is too old; ask the gate again", code="RECEIPT_STALE")
        if minted.policy_revision != revision:
            raise ReceiptRefused("the policies have changed since; ask the gate again", code="RECEIPT_STALE")
        return minted.request

    def _forget_old(self) -> None:
        now = self._monotonic()
        while self._out:
            first = next(iter(self._out))
            if self._out[first][0] >= now:
                return
            del self._out[first]
