"""Budgets in the parent: tokens and cost are reserved before a model is asked, over the whole tree of a delegation (RSN-6, RSN-60)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from symbi.contracts.effects import EffectContext
from symbi.contracts.models import ModelError, ModelUsage

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext
    from symbi_reasoning.config import ReasoningConfig

__all__ = ["Account", "Accounts", "BudgetSpent"]


class BudgetSpent(ModelError):
    """The run, or one that delegated to it, has used its tokens, cost or time; the code is `max_tokens`, `max_cost` or `max_time`."""

    code = "max_tokens"


class Account:
    """What one run may use and has used; a child's use counts for its ancestors too."""

    def __init__(self, *, tokens: int, cost_usd: float | None, deadline: float, parent: Account | None) -> None:
        self.most_tokens = tokens
        self.most_cost = cost_usd
        self.deadline = deadline
        self.parent = parent
        self.tokens = 0
        self.reserved = 0
        self.cost_usd = 0.0

    def line(self) -> Iterator[Account]:
        """Yield the account and those above it."""
        account: Account | None = self
        while account is not None:
            yield account
            account = account.parent

    @property
    def left(self) -> int:
        """Return the tokens that nobody in the line has used or reserved."""
        return min(each.most_tokens - each.tokens - each.reserved for each in self.line())

    def reserve(self, prompt_tokens: int, output_tokens: int, *, now: float) -> int:
        """Set tokens aside for one answer and return how long it may be; raises `BudgetSpent`."""
        if any(now >= each.deadline for each in self.line()):
            raise BudgetSpent("the loop's time is over", code="max_time")
        for each in self.line():
            if each.most_cost is not None and each.cost_usd >= each.most_cost:
                raise BudgetSpent(f"{each.cost_usd:.4f} of {each.most_cost:g} USD are spent", code="max_cost")
        room = self.left - prompt_tokens
        if room <= 0:
            raise BudgetSpent(f"the next question needs about {prompt_tokens} tokens, and {max(0, self.left)} are left")
        granted = min(output_tokens, room)
        for each in self.line():
            each.reserved += prompt_tokens + granted
        return granted

    def settle(self, reserved: int, usage: ModelUsage | None) -> None:
        """Give back what was set aside and count what was used."""
        for each in self.line():
            each.reserved -= reserved
            if usage is not None:
                each.tokens += usage.total_tokens
                each.cost_usd += usage.cost_usd or 0.0


class Accounts:
    """The accounts of the runs under way here."""

    def __init__(self, config: ReasoningConfig, context: PluginContext) -> None:
        self._config = config
        self._context = context
        self._open: dict[str, Account] = {}

    async def of(self, run: EffectContext) -> Account:
        """Return the run's account; that of a run that was taken up again begins with what its journal holds."""
        known = self._open.get(run.run_id)
        if known is not None:
            return known
        account = Account(
            tokens=self._config.max_total_tokens,
            cost_usd=self._config.max_cost_usd,
            deadline=self._context.clock.monotonic() + self._config.timeout_seconds,
            parent=self._parent(run),
        )
        self._open[run.run_id] = account
        if run.attempt > 1:
            await self._recall(run, account)
        return account

    def _parent(self, run: EffectContext) -> Account | None:
        if run.parent_run_id is None:
            return None
        parent = self._open.get(run.parent_run_id)
        if parent is None:
            # A parent that has asked no model yet shares its budget all the same.
            parent = self._open[run.parent_run_id] = Account(
                tokens=self._config.max_total_tokens,
                cost_usd=self._config.max_cost_usd,
                deadline=self._context.clock.monotonic() + 86_400.0,
                parent=None,
            )
        return parent

    async def _recall(self, run: EffectContext, account: Account) -> None:
        from symbi.contracts.runs import RunService

        runs = self._context.services.maybe(RunService)
        if runs is None:
            return
        async for event in runs.events(run.run_id, follow=False):
            if event.kind == "usage":
                account.tokens += int(event.data.get("tokens", 0))
                account.cost_usd += float(event.data.get("cost_usd") or 0.0)

    def close(self, run_id: str) -> None:
        """Forget a run that has ended."""
        self._open.pop(run_id, None)
