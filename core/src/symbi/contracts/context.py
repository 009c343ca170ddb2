"""Memory: what agents remember, know and have said, found again by words, by time and by meaning (seed, "Enhanced Context Management").

`ContextService` is provided by the plugin `context`. Every call names its scope; `ContextService.scope` makes one for an agent, with the grants
that policy lets it use. Whoever serves a request asks the gate first (`memory_read`, `memory_write` …): the runs' effects do, and so do the routes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from symbi.contracts.errors import NotFound
from symbi.contracts.principal import Principal
from symbi.contracts.vectors import Level, Scope

__all__ = [
    "MEMORY_TYPES",
    "Block",
    "Compaction",
    "ContextService",
    "ErasureProof",
    "Forget",
    "Grantee",
    "Hit",
    "IngestResult",
    "ItemKind",
    "MemoryItem",
    "MemoryNotFound",
    "MemoryType",
    "NewDocument",
    "NewMemory",
    "Passage",
    "QueryType",
    "Retrieval",
    "SearchAnswer",
    "SearchQuery",
    "Summarise",
    "Turn",
]

MemoryType = Literal["factual", "procedural", "episodic", "semantic", "working"]
MEMORY_TYPES: tuple[MemoryType, ...] = ("factual", "procedural", "episodic", "semantic", "working")

ItemKind = Literal["memory", "chunk", "line"]
"""A memory, a piece of a document, a line of a conversation."""

QueryType = Literal["keyword", "temporal", "similarity", "semantic", "hybrid"]


class MemoryNotFound(NotFound):
    """No such memory, document, session or grant in this scope; what belongs to others looks the same."""

    code = "MEMORY_NOT_FOUND"


class NewMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be remembered.

    `text` is what is found again; `data` is any JSON beside it (`subject`, `predicate`, `object` make it a fact). `importance` is 0 to 1. Times
    are UTC milliseconds; `valid_from` and `valid_to` say when it is true, not when it was written. `supersedes` is the id of the memory that this
    one corrects. `store` is the name of a declared `memory` block.
    """

    text: str
    type: MemoryType = "factual"
    importance: float = 0.5
    level: Level = "public"
    store: str = ""
    session: str = ""
    data: dict[str, Any] = {}
    metadata: dict[str, str] = {}
    pinned: bool = False
    valid_from: int | None = None
    valid_to: int | None = None
    supersedes: str | None = None
    source: str = ""


class MemoryItem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is kept: a memory, a chunk or a line; times are UTC milliseconds.

    A memory is current while `valid_to` is None or to come and `archived_at` is None. `conflicts` are ids of memories that say otherwise of the
    same subject and predicate, filled by `remember` alone.
    """

    id: str
    kind: ItemKind
    agent: str
    text: str
    type: str
    importance: float
    level: Level
    created_at: int
    accessed_at: int
    access_count: int = 0
    session: str = ""
    store: str = ""
    document: str = ""
    data: dict[str, Any] = {}
    metadata: dict[str, str] = {}
    pinned: bool = False
    source: str = ""
    valid_from: int | None = None
    valid_to: int | None = None
    superseded_by: str | None = None
    archived_at: int | None = None
    revision: int = 1
    conflicts: tuple[str, ...] = ()


class SearchQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The seed's search, and what we add: `as_of` answers what was true then, `kinds` what to look through.

    Times are UTC milliseconds, `start` and `end` inclusive. `threshold` is compared with each hit's relevance in its own list, before lists are
    fused; None leaves the lists' own floors. Without a `type` filter everything is searched; types also apply to lines (`episodic`).
    """

    query_type: QueryType = "hybrid"
    terms: tuple[str, ...] = ()
    start: int | None = None
    end: int | None = None
    types: tuple[str, ...] = ()
    kinds: tuple[ItemKind, ...] = ("memory", "line", "chunk")
    threshold: float | None = None
    limit: int = 10
    as_of: int | None = None
    store: str = ""
    documents: tuple[str, ...] = ()
    archived: bool = False
    fusion: Literal["rrf", "weighted"] | None = None
    weights: tuple[float, float] | None = None
    """Of words and of meaning, for `weighted`; None takes those of the configuration."""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One result: `relevance` (0 to 1) is how well it fits, `score` (0 to 1) what it was ordered by, `explain` how both came about."""

    item: MemoryItem
    relevance: float
    score: float
    explain: dict[str, Any] = {}


class SearchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The results, best first; `degraded` says that meaning could not be searched, and `reason` why."""

    hits: tuple[Hit, ...]
    degraded: bool = False
    reason: str = ""
    took_ms: float = 0.0


class NewDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document to keep: `uri` identifies it in its scope, `content` is text, or bytes where `media` is `pdf`.

    `media` is `text`, `markdown`, `code`, `json`, `html` or `pdf`, empty to tell by the uri's suffix. `chunker` is `fixed`, `paragraph`, `sentence`,
    `semantic` or empty for what suits the medium.
    """

    uri: str
    content: str | bytes
    title: str = ""
    media: str = ""
    level: Level = "public"
    chunker: str = ""
    metadata: dict[str, str] = {}


class IngestResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a document: an `unchanged` one was no work."""

    id: str
    uri: str
    status: Literal["added", "updated", "unchanged"]
    chunks: int
    embedded: bool
    """Whether its chunks can be found by meaning already; False where no embedder is installed, or they still wait."""


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """A retrieved piece of a document: the characters `start` to `end` of its text, and why it is here."""

    id: str
    document: str
    uri: str
    title: str
    text: str
    start: int
    end: int
    score: float
    level: Level
    factors: dict[str, float] = {}


class Retrieval(msgspec.Struct, frozen=True, kw_only=True):
    """What was retrieved, best first. `prompt` wraps it for a model as data that is not to be trusted; citations may name only these ids."""

    passages: tuple[Passage, ...]
    prompt: str
    degraded: bool = False
    reason: str = ""

    def citations(self, ids: Sequence[str]) -> list[Passage]:
        """Return the passages that an answer may cite of the ids that it names; invented ones are left out (CTX-43)."""
        known = {passage.id: passage for passage in self.passages}
        return [known[each] for each in dict.fromkeys(ids) if each in known]


class Forget(msgspec.Struct, frozen=True, kw_only=True):
    """What to erase: single ids, everything about a subject, a session, a document or, said explicitly, everything of the agent."""

    ids: tuple[str, ...] = ()
    subject: str = ""
    session: str = ""
    document: str = ""
    everything: bool = False


class ErasureProof(msgspec.Struct, frozen=True, kw_only=True):
    """What an erasure removed and what was checked afterwards (CTX-23); `digest` is the SHA-256 over the sorted ids, kept in the audit log."""

    erased: int
    ids: tuple[str, ...]
    removed: dict[str, int]
    checks: dict[str, bool]
    digest: str
    at: int

    @property
    def complete(self) -> bool:
        """Tell that every check holds."""
        return all(self.checks.values())


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A labelled text that is always in the prompt; `version` is what an edit must name (compare and swap)."""

    label: str
    text: str
    limit: int
    version: int
    updated_at: int


class Grantee(msgspec.Struct, frozen=True, kw_only=True):
    """One sharing: `recipient` (an agent's id, or `group:NAME`) may read `items` (empty = all) of `owner` up to `level`, until `expires_at`."""

    id: str
    owner: str
    recipient: str
    items: tuple[str, ...]
    level: Level
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a conversation under compaction; turns of equal `group` (a tool call and its results) stay or go together."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    group: str = ""
    protected: bool = False
    summary: bool = False
    level: Level = "public"
    at: int = 0
    payload: Any = None
    """Whatever the caller needs to find its own message again; carried, never read."""


Summarise = Callable[[str, int], Awaitable[str]]
"""`await summarise(text, max_tokens)`: a model's summary; may raise."""


class Compaction(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation after compaction (CTX-50, CTX-51): `tier` is what was done, `none` where nothing had to be or could be.

    `progress` False means that asking again is useless. `archived` are the ids of memories that were made of what went.
    """

    turns: tuple[Turn, ...]
    tier: Literal["none", "summarize", "compress", "archive", "truncate"]
    tokens_before: int
    tokens_after: int
    progress: bool
    archived: tuple[str, ...] = ()
    summarised_by_model: bool = False
    reason: str = ""


@runtime_checkable
class ContextService(Protocol):
    """The memory of all agents."""

    async def scope(
        self, agent: str, *, principal: Principal, session: str | None = None, groups: Sequence[str] = ()
    ) -> Scope:
        """Return the scope of an agent (its id): its grants that have not ended, as far as policy lets it read their level."""

    async def remember(self, scope: Scope, memory: NewMemory, *, principal: Principal) -> MemoryItem:
        """Keep a memory, durable when it returns. Raises `InvalidRequest`, `MemoryNotFound` (of `supersedes`), `CapacityExceeded`."""

    async def get(self, scope: Scope, item: str) -> MemoryItem:
        """Return one item that the scope may see; raises `MemoryNotFound`."""

    async def list(
        self, scope: Scope, *, types: Sequence[str] = (), limit: int = 100, archived: bool = False
    ) -> Sequence[MemoryItem]:
        """Return the agent's own memories, newest first."""

    async def revise(self, scope: Scope, item: str, changes: Mapping[str, Any], *, principal: Principal) -> MemoryItem:
        """Change `text`, `importance`, `level`, `pinned`, `metadata`, `data` or `valid_to`; what it was before stays in its history."""

    async def history(self, scope: Scope, item: str) -> Sequence[MemoryItem]:
        """Return every state that a memory has had, oldest first, the present one last."""

    async def search(self, scope: Scope, query: SearchQuery) -> SearchAnswer:
        """Search what the scope may see; raises `InvalidRequest` for a query that makes no sense."""

    async def forget(self, scope: Scope, what: Forget, *, principal: Principal) -> ErasureProof:
        """Erase for good: rows, history, index, vectors, archive. Only what the scope's agent owns."""

    async def share(
        self,
        scope: Scope,
        recipient: str,
        *,
        principal: Principal,
        items: Sequence[str] = (),
        level: Level = "public",
        expires_at: int | None = None,
    ) -> Grantee:
        """Let another agent (or `group:NAME`) read; raises `MemoryNotFound` for an item that is not the agent's own."""

    async def revoke(self, scope: Scope, grant: str, *, principal: Principal) -> Grantee:
        """End a sharing at once; raises `MemoryNotFound`."""

    async def blocks(self, scope: Scope) -> Sequence[Block]:
        """Return the agent's blocks by label."""

    async def set_block(
        self, scope: Scope, label: str, text: str, *, expected: int | None = None, limit: int | None = None
    ) -> Block:
        """Write a block; raises `Conflict` where its version is not `expected` (0 = it must be new), `InvalidRequest` over its limit."""

    async def add_line(self, scope: Scope, session: str, role: str, text: str) -> MemoryItem:
        """Add a line to a conversation; a session that does not exist begins."""

    async def ingest(self, scope: Scope, document: NewDocument, *, principal: Principal) -> IngestResult:
        """Keep a document in chunks; the same content again is no work, a changed one replaces its chunks at once."""

    async def retrieve(
        self,
        scope: Scope,
        query: str,
        *,
        limit: int = 5,
        sources: Sequence[str] = (),
        excluded: Sequence[str] = (),
        preferred: Sequence[str] = (),
        level: Level | None = None,
        time_limit: float = 10.0,
    ) -> Retrieval:
        """Find passages of documents; sources are globs over uris. Raises `Timeout`."""

    async def prompt(self, scope: Scope, query: str = "", *, limit: int = 8) -> str:
        """Return what belongs in a prompt: the blocks, and fenced as untrusted what is remembered and known about the query."""

    async def compact(
        self,
        turns: Sequence[Turn],
        *,
        limit_tokens: int,
        scope: Scope | None = None,
        summarise: Summarise | None = None,
    ) -> Compaction:
        """Shorten a conversation to fit; with a scope, what goes can be found again by search."""
