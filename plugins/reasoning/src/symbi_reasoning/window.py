"""Shortens a conversation to what a model takes: the system's words and the newest groups stay; a call and its results stay together."""

from __future__ import annotations

from collections.abc import Sequence

from symbi.contracts.models import ChatMessage

__all__ = ["estimate", "fit", "groups_of"]


def estimate(messages: Sequence[ChatMessage]) -> int:
    """Return about how many tokens the messages are: a token per 3.3 bytes, 7 a message, 30 a call; more for scripts of many bytes than needed."""
    total = 0.0
    for message in messages:
        total += 7 + len(message.content.encode("utf-8", "replace")) / 3.3
        for call in message.tool_calls:
            total += 30 + len(call.arguments.encode("utf-8", "replace")) / 3.3
    return int(total) + 1


def groups_of(messages: Sequence[ChatMessage]) -> list[list[ChatMessage]]:
    """Return the messages in groups that must not be torn apart."""
    groups: list[list[ChatMessage]] = []
    for message in messages:
        if message.role == "tool" and groups:
            groups[-1].append(message)
        else:
            groups.append([message])
    return groups


def fit(messages: Sequence[ChatMessage], limit: int) -> tuple[ChatMessage, ...]:
    """Return as much of the conversation as fits: system messages, the first of the user (the task), then the newest groups."""
    if estimate(messages) <= limit:
        return tuple(messages)
    groups = groups_of(messages)
    first_user = next((number for number, group in enumerate(groups) if group[0].role == "user"), None)
    keep = {number for number, group in enumerate(groups) if group[0].role == "system" or number == first_user}
    used = estimate([message for number in keep for message in groups[number]])
    for number in range(len(groups) - 1, -1, -1):
        if number in keep:
            continue
        size = estimate(groups[number])
        newest = number == len(groups) - 1
        if used + size > limit and not newest:
            break
        keep.add(number)
        used += size
    return tuple(message for number, group in enumerate(groups) if number in keep for message in group)
