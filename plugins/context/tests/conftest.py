"""Memory over stand-ins: an embedder whose vectors are bags of words, and a vector store in a dictionary that can be told to fail."""

from __future__ import annotations

import hashlib
import math
import types
from array import array
from contextlib import asynccontextmanager

import pytest

from symbi import Service, hookimpl
from symbi.contracts.audit import AuditLog
from symbi.contracts.context import ContextService
from symbi.contracts.embedders import EmbedderInfo, EmbedderOffer, EmbeddingFailed
from symbi.contracts.errors import PolicyDenied
from symbi.contracts.health import healthy
from symbi.contracts.policy import Decision, Gate
from symbi.contracts.principal import LOCAL_ADMIN
from symbi.contracts.vectors import (
    CollectionInfo,
    EmbeddingMismatch,
    StoredVector,
    VectorBackend,
    VectorBackendFailed,
    VectorHit,
    check_filters,
    check_vector,
)

SYNONYMS = {"felines": "cats", "feline": "cats", "automobile": "car", "physician": "doctor"}
DIMENSION = 64


def bag(text):
    values = [0.001] * DIMENSION
    for word in text.lower().replace("?", " ").replace(".", " ").split():
        word = SYNONYMS.get(word, word)
        values[int(hashlib.sha256(word.encode()).hexdigest(), 16) % DIMENSION] += 1.0
    length = math.sqrt(sum(value * value for value in values))
    return array("f", [value / length for value in values])


class Bags:
    """An embedder; `broken` makes it fail."""

    def __init__(self, model="bags"):
        self.model, self.broken, self.asked = model, False, 0

    async def describe(self):
        return EmbedderInfo(model=self.model, dimension=DIMENSION, local=True)

    async def embed(self, texts, *, purpose="passage"):
        if self.broken:
            raise EmbeddingFailed("the embedder is broken")
        self.asked += len(texts)
        return [bag(text) for text in texts]


class Shelf:
    """A vector store in a dictionary; `broken` makes it fail. Its state outlives a kernel, like a server's."""

    def __init__(self):
        self.collections, self.broken, self.before_write = {}, False, lambda: None

    def _alive(self):
        if self.broken:
            raise VectorBackendFailed("the shelf is broken")

    async def ensure(self, collection, *, dimension, model):
        self._alive()
        facts, _ = self.collections.setdefault(collection, ((dimension, model), {}))
        if facts != (dimension, model):
            raise EmbeddingMismatch("another model", hint="symbi memory reembed")
        return await self.info(collection)

    async def info(self, collection):
        self._alive()
        if collection not in self.collections:
            return None
        (dimension, model), rows = self.collections[collection]
        return CollectionInfo(name=collection, dimension=dimension, model=model, count=len(rows))

    def _rows(self, collection):
        self._alive()
        return self.collections.get(collection, (None, {}))[1]

    def _seen(self, collection, scope, filters=None):
        wanted = check_filters(filters)
        for (tenant, agent, item), record in self._rows(collection).items():
            mine = agent == scope.agent or any(
                g.agent == agent and record.level <= g.level and (g.ids is None or item in g.ids) for g in scope.grants
            )
            session = scope.session is None or record.session in ("", scope.session)
            facts = {
                "tenant": tenant,
                "agent": agent,
                "kind": record.kind,
                "type": record.type,
                "session": record.session,
                "document": record.document,
            }
            passes = all(
                facts[name] in value
                if name in facts
                else {
                    "level": record.level <= value,
                    "since": record.created_at >= value,
                    "until": record.created_at <= value,
                }[name]
                for name, value in wanted.items()
            )
            if tenant == scope.tenant and mine and session and passes:
                yield agent, record

    async def upsert(self, collection, records, *, scope):
        await self.restore(
            collection, [StoredVector(tenant=scope.tenant, agent=scope.agent, record=each) for each in records]
        )

    async def restore(self, collection, records):
        self._alive()
        self.before_write()
        for each in records:
            check_vector(each.record.vector, self.collections[collection][0][0])
        for each in records:
            self._rows(collection)[each.tenant, each.agent, each.record.id] = each.record

    async def search(self, collection, vector, *, scope, limit, filters=None, minimum=-1.0):
        if collection in self.collections:
            check_vector(vector, self.collections[collection][0][0])
        size = math.sqrt(sum(v * v for v in vector))
        hits = []
        for agent, record in self._seen(collection, scope, filters):
            own = math.sqrt(sum(v * v for v in record.vector))
            cosine = sum(a * b for a, b in zip(vector, record.vector, strict=True)) / size / own
            if cosine >= minimum:
                hits.append(VectorHit(id=record.id, agent=agent, similarity=max(-1.0, min(1.0, cosine))))
        return sorted(hits, key=lambda hit: -hit.similarity)[:limit]

    async def get(self, collection, ids, *, scope):
        return [record for _, record in self._seen(collection, scope) if record.id in ids]

    async def delete(self, collection, ids, *, scope):
        rows = self._rows(collection)
        self.before_write()
        return sum(rows.pop((scope.tenant, scope.agent, item), None) is not None for item in ids)

    async def count(self, collection, *, scope):
        return sum((tenant, agent) == (scope.tenant, scope.agent) for tenant, agent, _ in self._rows(collection))

    async def total(self, collection):
        return len(self._rows(collection))

    async def export(self, collection, *, after="", limit=1000):
        keys = sorted(key for key in self._rows(collection) if "\0".join(key) > after)
        page = [StoredVector(tenant=k[0], agent=k[1], record=self._rows(collection)[k]) for k in keys[:limit]]
        return page, "\0".join(keys[limit - 1]) if len(keys) > limit else ""

    async def drop(self, collection):
        self._alive()
        self.collections.pop(collection, None)

    async def optimize(self, collection, *, erase=False):
        self._alive()

    async def health(self):
        return healthy()


def offering(shelf=None, bags=None, *, name="shelf"):
    """Return a plugin that offers a shelf, an embedder, or both."""

    @asynccontextmanager
    async def open_shelf(config, context):
        yield shelf

    @asynccontextmanager
    async def open_bags(config, context):
        yield bags

    hooks = {}
    if shelf is not None:
        hooks["vector_backends"] = hookimpl(lambda: [VectorBackend(name=name, open=open_shelf)])
    if bags is not None:
        hooks["embedders"] = hookimpl(lambda: [EmbedderOffer(name="bags", open=open_bags, default=True)])
    return types.SimpleNamespace(__name__=f"stand_in_{name}", **hooks)


class House:
    """An opened memory with its stand-ins."""

    def __init__(self, kernel, shelf, bags):
        self.kernel, self.shelf, self.bags = kernel, shelf, bags
        self.service = kernel.services.get(ContextService)

    async def scope(self, agent="agent-a", **more):
        return await self.service.scope(agent, principal=LOCAL_ADMIN, **more)

    async def remember(self, text, agent="agent-a", **more):
        from symbi.contracts.context import NewMemory

        return await self.service.remember(await self.scope(agent), NewMemory(text=text, **more), principal=LOCAL_ADMIN)

    async def found(self, *terms, agent="agent-a", **more):
        from symbi.contracts.context import SearchQuery

        answer = await self.service.search(await self.scope(agent), SearchQuery(terms=terms, **more))
        return [hit.item.text for hit in answer.hits]


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def bags():
    return Bags()


@pytest.fixture
def house(make_kernel, shelf, bags):
    """Give `house(tables=…, clock=…)`, an async context manager of a memory; `words_only=True` leaves the stand-ins out."""

    @asynccontextmanager
    async def opened(*plugins, words_only=False, **options):
        stand_ins = [] if words_only else [offering(shelf, bags)]
        async with make_kernel(["symbi_context.plugin", *stand_ins, *plugins], **options) as kernel:
            yield House(kernel, shelf, bags)

    return opened


@pytest.fixture
def stand_in():
    return offering


class Rules:
    """A gate: who (agent's name, or `people`) may do which action up to which rank."""

    def __init__(self, **ranks):
        self.ranks, self.asked = ranks, []

    def evaluate(self, request, *, rules=None):
        who = request.agent.name if request.agent else "people"
        rank = self.ranks.get(who, self.ranks.get("others", -1))
        needed = request.resource.attributes.get("rank", 0)
        allowed = rank >= needed
        return Decision(decision="allow" if allowed else "deny", reason="the rules say so")

    async def authorize(self, request, *, rules=None):
        self.asked.append((request.action, request.target))
        decision = self.evaluate(request)
        if not decision.allowed:
            raise PolicyDenied(decision.reason)
        return decision


class Log:
    def __init__(self):
        self.records = []

    async def append(self, kind, *, principal, subject="", outcome="", details=None):
        self.records.append((kind, subject, outcome))


def governed_by(rules, log=None):
    @asynccontextmanager
    async def open_rules(config, context):
        yield rules

    @asynccontextmanager
    async def open_log(config, context):
        yield log

    def services():
        yield Service(name="gate", provides=Gate, open=open_rules)
        if log is not None:
            yield Service(name="log", provides=AuditLog, open=open_log)

    return types.SimpleNamespace(__name__="governed", services=hookimpl(services))


@pytest.fixture
def rules_of():
    return Rules


@pytest.fixture
def home_log():
    return Log


@pytest.fixture
def governed():
    return governed_by
