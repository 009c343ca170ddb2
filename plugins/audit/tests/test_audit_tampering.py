"""SEC-3: verify detects edit, delete, insert, reorder, truncation and a swapped identity."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symbi.contracts.audit import AuditFailed
from symbi_audit.chain import Checkpoint, make_line
from symbi_audit.config import AuditConfig, AuditPlaces
from symbi_audit.keys import SigningKey
from symbi_audit.recover import sign_checkpoint
from symbi_audit.service import AuditService
from symbi_audit.verify import verify_log

RECORDS = 250

Lines = list[bytes]
OpenLog = Callable[..., AbstractAsyncContextManager[AuditService]]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole, good log of 250 records by two principals, made once."""
    import asyncio
    from types import SimpleNamespace

    from symbi.kernel.clock import SystemClock
    from symbi_audit.service import open_audit

    folder = tmp_path_factory.mktemp("original")

    async def make() -> None:
        context: Any = SimpleNamespace(data_dir=folder, clock=SystemClock())
        async with open_audit(AuditConfig(), context) as log:
            for number in range(RECORDS - 2):
                await log.append(
                    "policy.decision", principal=f"user:{'ab'[number % 2]}", subject=f"tool:{number}", outcome="allow"
                )

    asyncio.run(make())
    return folder


@pytest.fixture
def log(original: Path, data_dir: Path) -> AuditPlaces:
    """A copy to tamper with."""
    shutil.copytree(original, data_dir)
    return AuditConfig().places(data_dir)


def tamper(log: AuditPlaces, change: Callable[[Lines], Lines | None]) -> None:
    """Rewrite the one segment by what `change` makes of its lines."""
    (path,) = log.folder.glob("*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(change(lines) or lines))


def index(lines: Lines, seq: int) -> int:
    return next(number for number, line in enumerate(lines) if msgspec.json.decode(line).get("seq") == seq)


def rewrite(lines: Lines, seq: int, **fields: Any) -> Lines:
    """Change a record and hash everything after it anew, as somebody without the key would."""
    previous = None
    for number in range(index(lines, seq), len(lines)):
        record = msgspec.json.decode(lines[number])
        if "checkpoint" in record:
            continue
        del record["hash"]
        if record["seq"] == seq:
            record.update(fields)
        else:
            record["previous"] = previous
        previous, lines[number] = make_line(record)
    return lines


def test_the_original_holds(log: AuditPlaces) -> None:
    verdict = verify_log(log)
    assert (verdict.ok, verdict.records, verdict.first_bad) == (True, RECORDS, None)


def test_an_edited_field_shows(log: AuditPlaces) -> None:
    def edit(lines: Lines) -> None:
        at = index(lines, 57)
        lines[at] = lines[at].replace(b'"allow"', b'"deny"')

    tamper(log, edit)
    verdict = verify_log(log)
    assert not verdict.ok
    assert verdict.first_bad == 57
    assert "was changed" in verdict.reason


def test_a_swapped_identity_shows(log: AuditPlaces) -> None:
    def swap(lines: Lines) -> None:
        at = index(lines, 57)
        old, new = (b"user:a", b"user:b") if b"user:a" in lines[at] else (b"user:b", b"user:a")
        lines[at] = lines[at].replace(old, new)

    tamper(log, swap)
    assert verify_log(log).first_bad == 57


def test_a_swapped_identity_with_all_hashes_made_anew_shows_by_the_signature(log: AuditPlaces) -> None:
    tamper(log, lambda lines: rewrite(lines, 57, principal="user:innocent"))
    verdict = verify_log(log)
    assert not verdict.ok
    assert verdict.first_bad == 1
    assert "not those that were signed" in verdict.reason


def test_a_deleted_record_shows(log: AuditPlaces) -> None:
    tamper(log, lambda lines: lines.pop(index(lines, 57)) and None)
    verdict = verify_log(log)
    assert verdict.first_bad == 57
    assert "is missing" in verdict.reason


def test_an_inserted_record_shows(log: AuditPlaces) -> None:
    def insert(lines: Lines) -> None:
        before = msgspec.json.decode(lines[index(lines, 57)])
        fields = {**before, "seq": 58, "previous": before["hash"], "principal": "user:mallory"}
        del fields["hash"]
        lines.insert(index(lines, 58), make_line(fields)[1])

    tamper(log, insert)
    assert verify_log(log).first_bad in (58, 59)


def test_reordered_records_show(log: AuditPlaces) -> None:
    def swap(lines: Lines) -> None:
        at = index(lines, 57)
        lines[at], lines[at + 1] = lines[at + 1], lines[at]

    tamper(log, swap)
    verdict = verify_log(log)
    assert verdict.first_bad == 57
    assert "order" in verdict.reason


@pytest.mark.parametrize("kept", [0, 1, 57, 101, 251])
def test_a_log_that_was_cut_off_shows(log: AuditPlaces, kept: int) -> None:
    tamper(log, lambda lines: lines[:kept] or [b""])
    verdict = verify_log(log)
    assert not verdict.ok
    assert verdict.first_bad is not None
    assert "cut off" in verdict.reason


def test_a_cut_in_the_middle_of_a_line_shows(log: AuditPlaces) -> None:
    tamper(log, lambda lines: [*lines[:57], lines[57][:30]])
    assert not verify_log(log).ok


def test_removed_segments_and_a_removed_anchor_show(log: AuditPlaces) -> None:
    for path in log.folder.glob("*.jsonl"):
        path.unlink()
    assert verify_log(log).first_bad == 1
    shutil.rmtree(log.folder)
    verdict = verify_log(log)
    assert (verdict.ok, verdict.first_bad) == (False, 1)


def test_a_missing_anchor_shows(log: AuditPlaces) -> None:
    log.anchor.unlink()
    assert "anchor" in verify_log(log).reason
    assert not verify_log(log).ok


def test_removed_checkpoints_show(log: AuditPlaces) -> None:
    tamper(log, lambda lines: [line for line in lines if b'"checkpoint"' not in line])
    verdict = verify_log(log)
    assert not verdict.ok
    assert verdict.first_bad == 1


def test_a_log_signed_anew_by_another_key_shows_when_the_right_key_is_kept_elsewhere(
    log: AuditPlaces, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.pem"
    shutil.copy(log.folder / "public.pem", kept)
    for name in ("key.pem", "public.pem"):
        (log.folder / name).unlink()
    mallory = SigningKey.load(log.folder, fresh=True)

    def resign(lines: Lines) -> None:
        rewrite(lines, 57, principal="user:innocent")
        last: dict[str, Any] = {}
        for number, line in enumerate(lines):
            value = msgspec.json.decode(line)
            if "checkpoint" not in value:
                last = value
                continue
            fresh = forged(mallory, value["checkpoint"], last)
            lines[number] = msgspec.json.encode({"checkpoint": fresh}, order="sorted") + b"\n"
        log.anchor.write_bytes(msgspec.json.encode(fresh))

    tamper(log, resign)
    assert verify_log(log).ok, (
        "with the folder's own key nothing can show: that is why a copy of the key is kept elsewhere"
    )
    verdict = verify_log(log, key=kept)
    assert not verdict.ok
    assert "another key" in verdict.reason


def forged(key: SigningKey, checkpoint: dict[str, Any], record: dict[str, Any]) -> Checkpoint:
    return sign_checkpoint(
        key,
        seq=record["seq"],
        hash=record["hash"],
        first=checkpoint["first"],
        before=checkpoint["before"],
        at=checkpoint["at"],
    )


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_single_changed_byte_goes_unnoticed(original: Path, tmp_path: Path, data: st.DataObject) -> None:
    copy = tmp_path / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(original, copy)
    log = AuditConfig().places(copy)
    (path,) = log.folder.glob("*.jsonl")
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    verdict = verify_log(log)
    if (
        at == len(content) - 1
    ):  # the newline of the last checkpoint: like a line that a crash tore, and the anchor still has all records
        assert "incomplete" in verdict.reason
        assert verdict.records == RECORDS
    else:
        assert not verdict.ok


async def test_a_runtime_refuses_to_start_on_a_log_whose_end_was_changed(log: AuditPlaces, open_log: OpenLog) -> None:
    def edit(lines: Lines) -> None:
        lines[-2] = lines[-2].replace(b"audit.closed", b"audit.opened")

    tamper(log, edit)
    with pytest.raises(AuditFailed, match="symbi audit verify"):
        async with open_log():
            pytest.fail("it must not open")


async def test_a_runtime_refuses_to_start_on_a_log_that_was_cut_off(log: AuditPlaces, open_log: OpenLog) -> None:
    tamper(log, lambda lines: lines[:-20])
    with pytest.raises(AuditFailed, match="cut off"):
        async with open_log():
            pytest.fail("it must not open")
