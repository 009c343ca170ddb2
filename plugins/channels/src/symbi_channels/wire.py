"""Request bodies."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from symbi.http.requests import RequestBody

__all__ = ["NewChannel", "NewConfig", "NewMapping", "NewMessage"]

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class NewChannel(RequestBody, frozen=True, kw_only=True):
    """`POST /channels`."""

    name: Word
    platform: Word
    config: dict[str, Any] = msgspec.field(default_factory=dict)


class NewConfig(RequestBody, frozen=True, kw_only=True):
    """`PUT /channels/{id}`: the whole configuration; secrets may be left out."""

    config: dict[str, Any] | None = None


class NewMapping(RequestBody, frozen=True, kw_only=True):
    """`POST /channels/{id}/mappings`."""

    platform_user_id: Word
    symbiont_user_id: Word
    display_name: Annotated[str, msgspec.Meta(max_length=200)]
    roles: Annotated[list[Word], msgspec.Meta(max_length=100)]
    email: Annotated[str, msgspec.Meta(max_length=320)] | None = None


class NewMessage(RequestBody, frozen=True, kw_only=True):
    """`POST /channels/{id}/messages`."""

    text: str
    target: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    thread_id: Annotated[str, msgspec.Meta(max_length=200)] | None = None
