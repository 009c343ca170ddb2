"""Checking a log offline: every record, every checkpoint, the anchor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from symbi.contracts.audit import AuditRecord, AuditVerdict
from symbi_audit.anchor import read_anchor
from symbi_audit.chain import CHECKPOINT_EVERY, GENESIS, Checkpoint, LineError, checkpoint_text, read_line
from symbi_audit.config import AuditPlaces
from symbi_audit.keys import PUBLIC, VerifyingKey
from symbi_audit.segments import Segment, list_segments

__all__ = ["verify_log"]


class _Bad(Exception):
    def __init__(self, seq: int | None, reason: str) -> None:
        super().__init__(reason)
        self.seq = seq
        self.reason = reason


def verify_log(places: AuditPlaces, *, key: Path | None = None) -> AuditVerdict:
    """Read the whole log and return the verdict; `key` names a public key kept elsewhere, in the place of the folder's own.

    Finds records that were edited, deleted, inserted or put in another order, a log that was cut off, and one signed by somebody else.
    Only the records after the newest checkpoint (fewer than 100, from the last second before a crash) are not covered by a signature.
    """
    check = _Check(places, list_segments(places.folder))
    try:
        check.run(key)
    except _Bad as bad:
        return AuditVerdict(ok=False, records=check.records, first_bad=bad.seq, reason=bad.reason)
    except OSError as error:
        return AuditVerdict(
            ok=False, records=check.records, reason=f"{error.filename} cannot be read: {error.strerror}"
        )
    return AuditVerdict(ok=True, records=check.records, reason=check.note)


class _Check:
    def __init__(self, places: AuditPlaces, segments: list[Segment]) -> None:
        self._places = places
        self._segments = segments
        self._anchor: Checkpoint | None = None
        self._key: VerifyingKey | None = None
        self._seq = 0
        self._previous = GENESIS
        self._signed = 0
        self.records = 0
        self.note = ""

    def run(self, key: Path | None) -> None:
        self._load_anchor()
        if not self._segments and self._anchor is None:
            self.note = "there is no log yet"
            return
        self._load_key(key)
        if self._anchor is not None:
            self._check_signature(self._anchor, "the anchor")
            self._seq, self._previous = self._anchor.first - 1, self._anchor.before
            self._skip_removed(self._anchor.first)
        self._signed = self._seq
        for segment, line in self._lines():
            self._check_line(segment, line)
        self._check_end()

    def _skip_removed(self, first: int) -> None:
        """Leave out what the retention let go, if a crash kept the files from being deleted."""
        while len(self._segments) > 1 and self._segments[1].first <= first:
            del self._segments[0]

    def _load_anchor(self) -> None:
        try:
            self._anchor = read_anchor(self._places.anchor)
        except (OSError, ValueError) as error:
            raise _Bad(None, f"the anchor {self._places.anchor} cannot be read: {error}") from error

    def _load_key(self, given: Path | None) -> None:
        path = given or self._places.folder / PUBLIC
        try:
            self._key = VerifyingKey.read(path)
        except FileNotFoundError:
            lost = "" if self._segments else "; the records are gone"
            raise _Bad(None if self._segments else 1, f"the public key {path} is missing{lost}") from None
        except (OSError, ValueError) as error:
            raise _Bad(None, f"the public key {path} cannot be read: {error}") from error

    def _lines(self) -> Iterator[tuple[Segment, bytes]]:
        for number, segment in enumerate(self._segments):
            with segment.path.open("rb") as file:
                for line in file:
                    if line.endswith(b"\n"):
                        yield segment, line
                    elif number == len(self._segments) - 1:
                        self.note = "the last line is incomplete, as after a crash; the next start removes it"
                    else:
                        raise _Bad(self._seq + 1, f"{segment.path.name} was cut off in the middle of a line")

    def _check_line(self, segment: Segment, line: bytes) -> None:
        try:
            found = read_line(line)
        except LineError as error:
            raise _Bad(self._seq + 1, f"record {self._seq + 1}: {error}") from error
        if isinstance(found, Checkpoint):
            self._check_checkpoint(found)
        else:
            self._check_record(segment, found)

    def _check_record(self, segment: Segment, record: AuditRecord) -> None:
        expected = self._seq + 1
        if record.seq != expected:
            how = "is missing" if record.seq > expected else f"should be here, and record {record.seq} is"
            raise _Bad(expected, f"record {expected} {how}: records were deleted, inserted or put in another order")
        if record.previous != self._previous:
            raise _Bad(expected, f"record {expected} does not follow the record before it: one of them was replaced")
        if segment.first > record.seq:
            raise _Bad(expected, f"{segment.path.name} begins with record {record.seq}, not with {segment.first}")
        self._seq, self._previous = record.seq, record.hash
        self.records += 1
        if self._seq - self._signed > CHECKPOINT_EVERY:
            raise _Bad(self._signed + 1, f"the checkpoint after record {self._signed + CHECKPOINT_EVERY} is missing")
        if self._anchor is not None and self._anchor.seq == record.seq and self._anchor.hash != record.hash:
            raise _Bad(
                self._signed + 1, f"record {record.seq} is not the one that the anchor knows: the log was rewritten"
            )

    def _check_checkpoint(self, checkpoint: Checkpoint) -> None:
        self._check_signature(checkpoint, f"the checkpoint of record {checkpoint.seq}")
        if checkpoint.seq != self._seq or checkpoint.hash != self._previous:
            first = min(self._signed, checkpoint.seq) + 1
            raise _Bad(
                first,
                f"records {first} to {max(checkpoint.seq, self._seq)} are not those that were signed: the log was rewritten or reordered",
            )
        self._signed = checkpoint.seq

    def _check_signature(self, checkpoint: Checkpoint, what: str) -> None:
        assert self._key is not None  # loaded before anything is checked
        if checkpoint.key != self._key.id:
            raise _Bad(self._signed + 1, f"{what} was signed by another key ({checkpoint.key}, not {self._key.id})")
        if not self._key.verify(checkpoint.signature, checkpoint_text(checkpoint)):
            raise _Bad(self._signed + 1, f"the signature of {what} is wrong")

    def _check_end(self) -> None:
        if self._anchor is None:
            raise _Bad(None, f"the anchor {self._places.anchor} is missing")
        if self._anchor.seq > self._seq:
            raise _Bad(
                self._seq + 1,
                f"the log ends with record {self._seq}, and the anchor knows record {self._anchor.seq}: it was cut off",
            )
