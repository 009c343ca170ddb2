"""Opening a log: where its chain ends, whether its end is sound, and what a crash left behind."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec

from symbi.contracts.audit import AuditFailed, AuditRecord
from symbi_audit.anchor import read_anchor, write_anchor
from symbi_audit.chain import GENESIS, Checkpoint, LineError, checkpoint_text, read_line
from symbi_audit.config import AuditPlaces
from symbi_audit.keys import SigningKey
from symbi_audit.segments import Segment, backwards, list_segments

__all__ = ["Tail", "open_tail", "sign_checkpoint"]

_BLOCK = 64 * 1024


class Tail(msgspec.Struct, kw_only=True):
    """Where the chain ends: its last record, the newest checkpoint and the anchor, and what was `repaired`, if anything."""

    seq: int
    previous: str
    signed: int
    anchor: Checkpoint
    repaired: dict[str, Any] | None = None


def sign_checkpoint(key: SigningKey, *, seq: int, hash: str, first: int, before: str, at: str) -> Checkpoint:
    """Return a signed checkpoint."""
    unsigned = Checkpoint(seq=seq, hash=hash, first=first, before=before, at=at, key=key.id, signature="")
    return msgspec.structs.replace(unsigned, signature=key.sign(checkpoint_text(unsigned)))


def open_tail(places: AuditPlaces, *, at: str) -> tuple[SigningKey, Tail]:
    """Make a new log, or find the end of the one that is there: a line that a crash tore is removed, all else that is wrong is refused.

    Raises `AuditFailed` when the records since the newest checkpoint, or the anchor, do not hold; `symbi audit verify` looks at the rest.
    """
    places.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        anchor = read_anchor(places.anchor)
    except ValueError as error:
        raise _damaged(places, f"the anchor {places.anchor} is not readable: {error}") from error
    segments = list_segments(places.folder)
    key = SigningKey.load(places.folder, fresh=not segments and anchor is None)
    if anchor is None:
        if segments:
            raise _damaged(places, f"the anchor {places.anchor} is missing")
        anchor = sign_checkpoint(key, seq=0, hash=GENESIS, first=1, before=GENESIS, at=at)
        write_anchor(places.anchor, anchor)
    repaired = _repair(segments[-1].path) if segments else None
    try:
        seq, previous, signed = _check_tail(places, key, anchor)
    except LineError as error:
        raise _damaged(places, str(error)) from error
    _remove_leftovers(segments, anchor)
    return key, Tail(seq=seq, previous=previous, signed=signed, anchor=anchor, repaired=repaired)


def _damaged(places: AuditPlaces, reason: str) -> AuditFailed:
    return AuditFailed(
        f"the audit log {places.folder} does not hold: {reason}",
        hint=f"look with `symbi audit verify`; to go on, move {places.folder} and {places.anchor} away and keep them as evidence",
    )


def _repair(path: Path) -> dict[str, Any] | None:
    """Cut off what stands after the last newline: it was never acknowledged. Return what was cut."""
    with path.open("r+b") as file:
        size = end = file.seek(0, os.SEEK_END)
        torn = b""
        while end > 0:
            start = max(end - _BLOCK, 0)
            file.seek(start)
            block = file.read(end - start)
            newline = block.rfind(b"\n")
            torn = block[newline + 1 :] + torn
            if newline >= 0:
                break
            end = start
        if not torn:
            return None
        file.truncate(size - len(torn))
        file.flush()
        os.fsync(file.fileno())
    return {"segment": path.name, "bytes_removed": len(torn), "sha256": hashlib.sha256(torn).hexdigest()}


def _check_tail(places: AuditPlaces, key: SigningKey, anchor: Checkpoint) -> tuple[int, str, int]:
    """Check the records since the newest checkpoint; return the last `seq`, its hash and the checkpoint's `seq`."""
    _check_signature(key, anchor, "the anchor")
    records: list[AuditRecord] = []
    start = (anchor.first - 1, anchor.before)
    for line in backwards(places.folder, 0):
        found = read_line(line)
        if isinstance(found, Checkpoint):
            _check_signature(key, found, f"the checkpoint of record {found.seq}")
            start = (found.seq, found.hash)
            break
        if found.seq < anchor.first:
            break
        records.append(found)
    signed, previous = start
    seq = signed
    for record in reversed(records):
        if record.seq != seq + 1 or record.previous != previous:
            raise LineError(f"record {seq + 1} is missing or was replaced")
        seq, previous = record.seq, record.hash
    _check_anchor(places, anchor, seq)
    return seq, previous, signed


def _check_anchor(places: AuditPlaces, anchor: Checkpoint, seq: int) -> None:
    if anchor.seq > seq:
        raise LineError(f"it ends with record {seq}, and the anchor knows record {anchor.seq}: it was cut off")
    if anchor.seq < anchor.first:
        return
    for line in backwards(places.folder, anchor.seq + 1):
        found = read_line(line)
        if isinstance(found, AuditRecord):
            if (found.seq, found.hash) != (anchor.seq, anchor.hash):
                raise LineError(f"record {anchor.seq} is not the one that the anchor knows: the log was rewritten")
            return
    raise LineError(f"record {anchor.seq}, which the anchor knows, is missing")


def _check_signature(key: SigningKey, checkpoint: Checkpoint, what: str) -> None:
    if checkpoint.key != key.id or not key.verify(checkpoint.signature, checkpoint_text(checkpoint)):
        raise LineError(f"the signature of {what} is wrong, or another key's")


def _remove_leftovers(segments: list[Segment], anchor: Checkpoint) -> None:
    """Remove the segments before the anchor's first record: a crash came between the new anchor and their removal."""
    for segment in segments[:-1]:
        if segment.first < anchor.first:
            segment.path.unlink(missing_ok=True)
