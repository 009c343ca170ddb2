"""A key ring and a signer for tests; one ring is made a session, since RSA keys take time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.signing import Approval, ApprovalRegister, PackageRequest
from symbi_rsa.canonical import canonical, sha256
from symbi_rsa.config import RsaConfig
from symbi_rsa.keyring import KeyRing
from symbi_rsa.signer import RsaSigner

SOURCE = "def weather(city: str) -> str:\n    return city\n"
METADATA = {
    "tool_name": "weather",
    "tool_version": "1.0.0",
    "description": "Wetter für alle",
    "author": "a@example.org",
    "permissions": [],
}
SIGNED_AT = 1_780_000_000_000


class Register:
    """An approval register that holds what a test puts in."""

    def __init__(self) -> None:
        self.held: dict[str, Approval] = {}

    async def approval(self, review_id: str) -> Approval | None:
        return self.held.get(review_id)


class _Services:
    def __init__(self, register: Register | None) -> None:
        self.register = register

    def maybe(self, protocol: Any) -> Any:
        return self.register if protocol is ApprovalRegister else None


class Context:
    """The parts of a plugin's context that the signer uses."""

    def __init__(self, register: Register | None) -> None:
        self.services = _Services(register)
        self.clock = self

    def now(self) -> datetime:
        return datetime.now(UTC)


def request(**changes: Any) -> PackageRequest:
    source = changes.pop("source", SOURCE)
    predicate = {
        "review_id": "r1",
        "analysis_id": "a1",
        "source_sha256": sha256(source.encode()),
        "decision": "approve",
        "decided_by": ["rev@example.org"],
        "conditions": [],
    }
    base: dict[str, Any] = {
        "tool_name": "weather",
        "tool_version": "1.0.0",
        "source_code": source,
        "language": "python",
        "metadata": METADATA,
        "predicate": predicate,
        "signed_at_ms": SIGNED_AT,
        "analysis": {"risk_score": 3, "findings": []},
    }
    return PackageRequest(**{**base, **changes})


@pytest.fixture(scope="session")
def ring_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ring") / "signing"
    KeyRing(folder, RsaConfig(), None).ensure(datetime.now(UTC))
    return folder


@pytest.fixture
def ring(ring_folder: Path, tmp_path: Path) -> KeyRing:
    shutil.copytree(ring_folder, tmp_path / "signing")
    return KeyRing(tmp_path / "signing", RsaConfig(), None)


@pytest.fixture
def register() -> Register:
    register = Register()
    register.held["r1"] = Approval(
        review_id="r1",
        source_sha256=sha256(SOURCE.encode()),
        metadata_sha256=sha256(canonical(METADATA)),
        analysis_id="a1",
    )
    return register


@pytest.fixture
def signer(ring: KeyRing, register: Register) -> RsaSigner:
    return RsaSigner(ring, Context(register))


@pytest.fixture
def make_request() -> Callable[..., PackageRequest]:
    return request


@pytest.fixture
def bare_signer(ring: KeyRing) -> RsaSigner:
    return RsaSigner(ring, Context(None))
