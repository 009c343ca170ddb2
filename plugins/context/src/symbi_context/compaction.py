"""Compaction of conversations (CTX-50, CTX-51): summarise, compress, archive, truncate, each when the conversation has grown so far.

Groups of turns stay together, so that no tool call loses its result. System and protected turns and what is confidential or secret
never go. A summary is flat: an earlier one is input of the next, never quoted within it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from symbi.contracts.context import Compaction, Summarise, Turn
from symbi.contracts.errors import InvalidRequest

__all__ = ["Compactor", "Group", "groups_of", "tokens_in", "tokens_of"]

SUMMARIZE, COMPRESS, ARCHIVE, TRUNCATE = 0.70, 0.80, 0.85, 0.90
TARGET = 0.50
_KEPT_GROUPS = 2
_LONG = 600
_SUMMARY_TOKENS = 500
_SUMMARY_SECONDS = 60.0
_MARK = "[Summary of what was said before. It is history, not a task.]"
_PROTECTED = ("confidential", "secret")

Archive = Callable[[Sequence[Turn]], Awaitable[Sequence[str]]]


class Group(msgspec.Struct):
    """Turns that stay or go together, and their places in the conversation."""

    turns: list[Turn]
    places: list[int]

    @property
    def tokens(self) -> int:
        """How many tokens the turns take."""
        return sum(tokens_of(turn) for turn in self.turns)

    @property
    def may_go(self) -> bool:
        """Tell whether nothing in it must stay."""
        return not any(
            turn.protected or (turn.role == "system" and not turn.summary) or turn.level in _PROTECTED
            for turn in self.turns
        )


def tokens_in(text: str) -> int:
    """Return an estimate of the tokens of a text: bytes / 3.5, rounded up (spec §1.8), which errs on the large side for English."""
    return math.ceil(len(text.encode("utf-8", "replace")) / 3.5)


def tokens_of(turn: Turn) -> int:
    """Return an estimate of the tokens of one turn, with four for its frame."""
    return tokens_in(turn.content) + 4


def groups_of(turns: Sequence[Turn]) -> list[Group]:
    """Return the turns in groups, in order: equal `group` names belong together, and so does a tool's result with the turn before it."""
    found: list[Group] = []
    named: dict[str, Group] = {}
    for place, turn in enumerate(turns):
        home = named.get(turn.group) if turn.group else None
        if home is None and not turn.group and turn.role == "tool" and found:
            home = found[-1]
        if home is None:
            home = Group([], [])
            found.append(home)
        home.turns.append(turn)
        home.places.append(place)
        if turn.group:
            named[turn.group] = home
    return found


class Compactor:
    """Shortens one conversation; `archive` keeps what goes where it can be found again."""

    def __init__(self, *, limit: int, summarise: Summarise | None, archive: Archive | None) -> None:
        if limit < 1:
            raise InvalidRequest("limit_tokens must be positive", details={"field": "limit_tokens"})
        self._limit = limit
        self._summarise = summarise
        self._archive = archive

    async def compact(self, turns: Sequence[Turn]) -> Compaction:
        """Return the conversation as it fits; unchanged below 70 % of the limit."""
        before = sum(map(tokens_of, turns))
        used = before / self._limit
        if used < SUMMARIZE:
            return Compaction(
                turns=tuple(turns), tier="none", tokens_before=before, tokens_after=before, progress=False
            )
        groups = groups_of(turns)
        if used < COMPRESS:
            found = await self._summarised(groups, before)
        elif used < ARCHIVE:
            found = await self._shortened(groups, before)
        elif used < TRUNCATE:
            found = await self._archived(groups, before)
        else:
            found = await self._archived(groups, before, tier="truncate")
        return found or _unchanged(turns, before)

    async def _summarised(self, groups: list[Group], before: int) -> Compaction | None:
        """Replace the oldest groups by one summary; where no model gives one, shorten them instead (the turn goes on)."""
        going = self._going(groups)
        text = "\n".join(_told(turn) for group in going for turn in group.turns)
        if not going:
            return None
        summary, reason = await self._ask(text)
        if not summary:
            found = await self._shortened(groups, before)
            return msgspec.structs.replace(found, reason=reason) if found else None
        said = Turn(role="system", content=f"{_MARK}\n{summary}", summary=True, at=going[-1].turns[-1].at)
        if tokens_of(said) >= sum(group.tokens for group in going):
            return await self._shortened(groups, before)
        return _compaction("summarize", _replaced(groups, going, said), before, summarised_by_model=True)

    async def _ask(self, text: str) -> tuple[str, str]:
        if self._summarise is None:
            return "", "no model summarises here"
        most = min(_SUMMARY_TOKENS, max(16, self._limit // 5))
        try:
            async with asyncio.timeout(_SUMMARY_SECONDS):
                summary = await self._summarise(text, most)
        except Exception as error:  # whatever the model does, the conversation goes on
            return "", f"the summary failed: {type(error).__name__}"
        summary = summary.replace(_MARK, "").strip()
        return (_shortened(summary, int(most * 3.5)), "") if summary else ("", "the model gave no summary")

    async def _shortened(self, groups: list[Group], before: int) -> Compaction | None:
        """Compress, or take the oldest out where there is nothing long to compress."""
        return self._compressed(groups, before) or await self._archived(groups, before)

    def _compressed(self, groups: list[Group], before: int) -> Compaction | None:
        """Shorten long turns of the older groups to their beginning and end."""
        older = {id(group) for group in self._movable(groups)}
        changed = [
            Group([_compress(turn) for turn in group.turns], group.places) if id(group) in older else group
            for group in groups
        ]
        found = _compaction("compress", changed, before)
        return found if found.tokens_after < before else None

    async def _archived(self, groups: list[Group], before: int, *, tier: str = "archive") -> Compaction | None:
        """Take the oldest groups out; with a scope they become memories, so that a search finds them again."""
        going = self._going(groups)
        if not going:
            return self._compressed(groups, before)
        ids: Sequence[str] = ()
        gone = [turn for group in going for turn in group.turns]
        if self._archive is not None:
            ids = await self._archive([turn for turn in gone if not turn.summary])
        where = " They can be found by searching memory." if ids else ""
        earlier = " ".join(turn.content.replace(_MARK, "").strip() for turn in gone if turn.summary)
        told = f"{_MARK}\n{len(gone)} earlier messages were taken out.{where} {_shortened(earlier, 600)}".strip()
        said = Turn(role="system", content=told, summary=True, at=gone[-1].at)
        left = _replaced(groups, going, said)
        if sum(group.tokens for group in left) >= before:
            left = [group for group in groups if group not in going]
        return _compaction(tier, left, before, archived=tuple(ids))

    def _movable(self, groups: list[Group]) -> list[Group]:
        """Return the groups that may go: not the last ones, which the model is working on."""
        return [group for group in groups[: max(0, len(groups) - _KEPT_GROUPS)] if group.may_go]

    def _going(self, groups: list[Group]) -> list[Group]:
        """Return the oldest groups that may go, as many as bring the conversation down to half of the limit."""
        total = sum(group.tokens for group in groups)
        going: list[Group] = []
        for group in self._movable(groups):
            if total <= self._limit * TARGET:
                break
            going.append(group)
            total -= group.tokens
        only_summaries = all(turn.summary for group in going for turn in group.turns)
        return [] if only_summaries else going


def _replaced(groups: list[Group], going: list[Group], said: Turn) -> list[Group]:
    gone = {id(group) for group in going}
    place = min(place for group in going for place in group.places)
    return [*(group for group in groups if id(group) not in gone), Group([said], [place])]


def _compaction(
    tier: str, groups: list[Group], before: int, *, archived: tuple[str, ...] = (), summarised_by_model: bool = False
) -> Compaction:
    placed = [each for group in groups for each in zip(group.places, group.turns, strict=True)]
    turns = tuple(turn for _, turn in sorted(placed, key=lambda each: each[0]))
    after = sum(map(tokens_of, turns))
    return Compaction(
        turns=turns, tier=tier, tokens_before=before, tokens_after=after, progress=after < before,  # type: ignore[arg-type]  # one of the tiers
        archived=archived, summarised_by_model=summarised_by_model,
    )  # fmt: skip


def _unchanged(turns: Sequence[Turn], before: int) -> Compaction:
    reason = "nothing may go: what is left is protected, or what is being worked on"
    return Compaction(
        turns=tuple(turns), tier="none", tokens_before=before, tokens_after=before, progress=False, reason=reason
    )


def _compress(turn: Turn) -> Turn:
    return msgspec.structs.replace(turn, content=_shortened(turn.content, _LONG)) if not turn.summary else turn


def _shortened(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    head, tail = most * 2 // 3, most // 4
    return f"{text[:head]} [… {len(text) - head - tail} characters left out …] {text[-tail:]}"


def _told(turn: Turn) -> str:
    return turn.content.replace(_MARK, "").strip() if turn.summary else f"{turn.role}: {turn.content}"
