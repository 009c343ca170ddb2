"""R-DELIV: each target against the real thing on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from symbi.contracts.delivery import Delivery, DeliveryOutcome
from symbi.contracts.errors import Forbidden, SymbiError
from symbi.http.outbound import allowed_address
from symbi.kernel.points import DELIVERY_TARGETS
from symbi.testing.kernels import open_kernel

DELIVERY = Delivery(
    idempotency_key="run-1:0",
    run_id="run-1",
    agent="a",
    status="completed",
    result={"n": 1},
    error=None,
    schedule="job",
)


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server on loopback that answers every connection alike and keeps what it was sent."""
    got: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0
        )
        got.append(head + await reader.readexactly(length))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], got


async def deliver(
    folder: Path, target: str, config: dict[str, Any], settings: dict[str, Any] | None = None, **environ: str
) -> DeliveryOutcome:
    tables = {"deliver": {"allow_private_hosts": True, **(settings or {})}}
    async with open_kernel(folder, ["symbi_deliver.plugin"], tables=tables, environ=environ) as kernel:
        context = kernel.context_for("deliver")
        async with context.open(DELIVERY_TARGETS, target, config) as opened:
            outcome: DeliveryOutcome = await opened.deliver(DELIVERY)
            return outcome


async def test_webhook_is_signed_and_carries_the_idempotency_key(tmp_path: Path) -> None:
    async with answering(b"HTTP/1.1 204 No Content\r\n\r\n") as (port, got):
        config = {
            "url": f"http://localhost:{port}/hook?x=1",
            "secret": {"env": "SYMBI_DELIVERY_HOOK"},
            "headers": {"X-Own": "yes"},
        }
        outcome = await deliver(tmp_path, "webhook", config, SYMBI_DELIVERY_HOOK="s3cret-of-the-hook")
    assert (outcome.delivered, outcome.status_code) == (True, 204)
    head, _, body = got[0].partition(b"\r\n\r\n")
    headers = {
        name.lower(): value for name, _, value in (line.partition(": ") for line in head.decode().split("\r\n")[1:])
    }
    assert head.startswith(b"POST /hook?x=1 HTTP/1.1")
    assert (headers["idempotency-key"], headers["x-symbi-event"], headers["x-own"]) == (
        "run-1:0",
        "run.completed",
        "yes",
    )
    assert headers["host"] == f"localhost:{port}"
    stamp, mac = (part.partition("=")[2] for part in headers["x-symbi-signature"].split(","))
    assert mac == hmac.new(b"s3cret-of-the-hook", f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert json.loads(body)["result"] == {"n": 1}


@pytest.mark.parametrize(
    ("status", "retryable", "after"),
    [
        ("429 Slow\r\nRetry-After: 7", True, 7.0),
        ("503 Busy", True, None),
        ("408 Late", True, None),
        ("400 Bad", False, None),
        ("301 Moved\r\nLocation: /x", False, None),
    ],
)
async def test_webhook_answers_are_final_or_tried_again(
    tmp_path: Path, status: str, retryable: bool, after: float | None
) -> None:
    async with answering(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()) as (port, _):
        outcome = await deliver(tmp_path, "webhook", {"url": f"http://127.0.0.1:{port}/"})
    assert (outcome.delivered, outcome.retryable, outcome.retry_after) == (False, retryable, after)


async def test_a_dead_host_is_tried_again(tmp_path: Path) -> None:
    outcome = await deliver(tmp_path, "webhook", {"url": "http://127.0.0.1:1/"})
    assert (outcome.delivered, outcome.retryable) == (False, True)


async def test_private_hosts_are_refused_unless_opened(tmp_path: Path) -> None:
    outcome = await deliver(tmp_path, "webhook", {"url": "http://127.0.0.1:9/"}, {"allow_private_hosts": False})
    assert (outcome.delivered, outcome.retryable) == (False, False)
    assert "private" in outcome.error
    for host in (
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "0.0.0.0",
        "224.0.0.1",
        "fd00::1",
        "::ffff:224.0.0.1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
    ):
        with pytest.raises(Forbidden):
            await allowed_address(host, 80, allow_private=False)
    assert await allowed_address("1.1.1.1", 80, allow_private=False) == "1.1.1.1"


@pytest.mark.parametrize(
    "config",
    [
        {"url": "ftp://x/"},
        {"url": "http://u:p@x/"},
        {"url": "http://x/", "headers": {"Host": "y"}},
        {"url": "http://x/", "headers": {"A": "b\r\nC: d"}},
        {},
    ],
)
async def test_unusable_webhooks_are_refused(tmp_path: Path, config: dict[str, Any]) -> None:
    with pytest.raises(SymbiError):
        await deliver(tmp_path, "webhook", config)


async def test_file_appends_lines_below_its_directory(tmp_path: Path) -> None:
    for _ in range(2):
        outcome = await deliver(tmp_path, "file", {"path": "daily/out.jsonl"})
    assert (outcome.delivered, outcome.reference) == (True, "daily/out.jsonl")
    written = tmp_path / "data" / "deliveries" / "daily" / "out.jsonl"
    assert [json.loads(line)["run_id"] for line in written.read_text().splitlines()] == ["run-1", "run-1"]
    assert written.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x"])
async def test_file_paths_outside_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(SymbiError):
        await deliver(tmp_path, "file", {"path": path})


@pytest.mark.parametrize("linked", ["out.jsonl", "sub"])
async def test_symbolic_links_are_not_followed(tmp_path: Path, linked: str) -> None:
    directory = tmp_path / "data" / "deliveries"
    directory.mkdir(parents=True)
    outside = tmp_path / "outside"
    outside.mkdir()
    (directory / linked).symlink_to(outside / "f" if linked == "out.jsonl" else outside)
    outcome = await deliver(tmp_path, "file", {"path": "out.jsonl" if linked == "out.jsonl" else "sub/out.jsonl"})
    assert not outcome.delivered
    assert list(outside.iterdir()) == []


async def test_stdout_prints_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (await deliver(tmp_path, "stdout", {})).delivered
    assert json.loads(capsys.readouterr().out)["run_id"] == "run-1"


async def test_email_speaks_smtp(tmp_path: Path) -> None:
    lines: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        data = False
        while line := await reader.readline():
            lines.append(line)
            if data:
                data = line != b".\r\n"
                if not data:
                    writer.write(b"250 taken\r\n")
                continue
            data = line.upper().startswith(b"DATA")
            writer.write(
                b"354 go\r\n" if data else b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 ok\r\n"
            )

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        settings = {
            "smtp_host": "127.0.0.1",
            "smtp_port": server.sockets[0].getsockname()[1],
            "smtp_security": "none",
            "smtp_from": "symbi@example.org",
        }
        outcome = await deliver(tmp_path, "email", {"to": ["you@example.org"]}, settings)
    assert outcome.delivered, outcome
    text = b"".join(lines)
    assert b"RCPT TO:<you@example.org>" in text.replace(b"rcpt", b"RCPT").replace(b"to:", b"TO:")
    assert b"Subject: job: completed" in text
    assert b"Message-ID: <run-1.0@example.org>" in text


async def test_no_mail_server_says_so(tmp_path: Path) -> None:
    with pytest.raises(SymbiError, match="smtp_host"):
        await deliver(tmp_path, "email", {"to": ["you@example.org"]})


def test_the_readme_names_every_setting() -> None:
    from symbi_deliver.config import DeliverSettings

    text = (Path(__file__).parents[1] / "README.md").read_text()
    for name in DeliverSettings.__struct_fields__:
        assert f"| `{name}` |" in text
