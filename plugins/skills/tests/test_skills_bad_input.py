"""Bad input (requirements 3, 4, 8, 17): a blocking finding or a clear error, in bounded time, never a pass."""

from __future__ import annotations

import gzip
import io
import os
import socket
import tarfile
import time
import zipfile
from pathlib import Path

import msgspec
import pytest

from symbi.contracts.errors import InvalidRequest
from symbi.contracts.scanner import Pattern, ScannerRule, ScannerRuleSource, ScanResult
from symbi_skills.files.limits import Limits
from symbi_skills.policy import ScanPolicy
from symbi_skills.scanner import SkillScanner

RULE = ScannerRule(
    id="evil-call",
    category="custom",
    severity="critical",
    message="m",
    check=Pattern(r"evil_call\("),
    bad=("evil_call(",),
    good=(),
)
SOURCES = [ScannerRuleSource(plugin="test", rule=RULE)]
EVIL = b"evil_call(1)\n"


def scanner(**limits: int | float) -> SkillScanner:
    return SkillScanner(SOURCES, policy=ScanPolicy(limits=Limits(**limits)))  # type: ignore[arg-type]


def rules(result: ScanResult) -> set[str]:
    return {finding.rule for finding in result.findings}


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="does not exist"):
        scanner().scan_skill(tmp_path / "nothing")


def test_an_empty_folder_passes_with_nothing_scanned(tmp_path: Path) -> None:
    result = scanner().scan_skill(tmp_path)
    assert result.passed
    assert result.scanned_files == 0


def test_a_link_out_of_the_skill_is_a_finding_and_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_bytes(EVIL)
    skill = tmp_path / "skill"
    skill.mkdir()
    (skill / "x.py").symlink_to(tmp_path / "outside.py")
    (skill / "nowhere").symlink_to("/does/not/exist")
    (skill / "up").symlink_to(tmp_path, target_is_directory=True)
    result = scanner().scan_skill(skill)
    assert [finding.rule for finding in result.findings] == ["symlink-outside"] * 3
    assert not result.passed
    assert result.scanned_files == 0


def test_a_link_inside_the_skill_is_no_finding(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    (tmp_path / "b.txt").symlink_to("a.txt")
    result = scanner().scan_skill(tmp_path)
    assert result.passed
    assert [each.status for each in result.coverage] == ["scanned", "skipped"]


def test_pipes_and_sockets_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    started = time.monotonic()
    result = scanner().scan_skill(tmp_path)
    listener.close()
    assert time.monotonic() - started < 2
    assert [finding.rule for finding in result.findings] == ["unreadable", "unreadable"]
    assert not result.passed


def test_a_device_given_as_the_root_is_not_read() -> None:
    result = scanner().scan_skill("/dev/zero")
    assert rules(result) == {"unreadable"}
    assert not result.passed


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_blocks(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(EVIL)
    (tmp_path / "x").chmod(0)
    assert rules(scanner().scan_skill(tmp_path)) == {"unreadable"}


def test_a_file_over_the_limit_blocks_and_is_not_read(tmp_path: Path) -> None:
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(1 << 30)
    started = time.monotonic()
    result = scanner().scan_skill(tmp_path)
    assert time.monotonic() - started < 1
    assert rules(result) == {"over-limit"}
    assert not result.passed


def test_too_many_files_block(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number}.txt").write_text("x")
    result = scanner(max_files=10).scan_skill(tmp_path)
    assert rules(result) == {"over-limit"}
    assert not result.passed


def test_a_deep_tree_blocks_instead_of_being_cut(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(8):
        folder = folder / "d"
        folder.mkdir()
    (folder / "x.py").write_bytes(EVIL)
    assert rules(scanner(max_depth=5).scan_skill(tmp_path)) == {"over-limit"}
    assert rules(scanner().scan_skill(tmp_path)) == {"evil-call"}


def test_running_out_of_time_blocks() -> None:
    ticks = iter(range(0, 100_000, 100))
    subject = SkillScanner(SOURCES, policy=ScanPolicy(limits=Limits(max_seconds=150)), clock=lambda: float(next(ticks)))
    result = subject.scan_files({f"{number}.txt": b"x" for number in range(10)})
    assert "over-limit" in rules(result)
    assert not result.passed


@pytest.mark.parametrize("name", ["a.zip", "a.docx", "a.whl", "no-suffix"])
def test_archives_are_looked_into_whatever_their_name(name: str) -> None:
    result = scanner().scan_files({name: zipped({"inner/x.py": EVIL})})
    assert rules(result) == {"evil-call"}
    assert result.findings[0].path == f"skill/{name}!inner/x.py"


def test_a_document_is_read_across_its_runs() -> None:
    xml = b"<w:document><w:p><w:r><w:t>evil_</w:t></w:r><w:r><w:t>call(1)</w:t></w:r></w:p></w:document>"
    assert rules(scanner().scan_files({"a.docx": zipped({"word/document.xml": xml})})) == {"evil-call"}


def test_tar_and_compressed_files_are_looked_into() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as archive:
        info = tarfile.TarInfo("x.py")
        info.size = len(EVIL)
        archive.addfile(info, io.BytesIO(EVIL))
    assert rules(scanner().scan_files({"a.tar.xz": buffer.getvalue()})) == {"evil-call"}
    assert rules(scanner().scan_files({"a.gz": gzip.compress(EVIL)})) == {"evil-call"}


def test_an_archive_bomb_blocks_in_bounded_time() -> None:
    bomb = zipped({f"{number}": b"\0" * (10 << 20) for number in range(8)})
    nested = zipped({"a.zip": bomb})
    started = time.monotonic()
    for content in (bomb, nested, gzip.compress(b"\0" * (64 << 20))):
        result = scanner().scan_files({"bomb.zip": content})
        assert "archive-unsafe" in rules(result)
        assert not result.passed
    assert time.monotonic() - started < 10


def test_archives_nested_too_deep_block() -> None:
    content = zipped({"x.py": EVIL})
    for _ in range(6):
        content = zipped({"a.zip": content})
    assert "archive-unsafe" in rules(scanner().scan_files({"a.zip": content}))


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "a/../../b", "C:\\x"])
def test_names_that_leave_the_archive_block(name: str) -> None:
    result = scanner().scan_files({"slip.zip": zipped({name: b"x"})})
    assert "archive-unsafe" in rules(result)
    assert not result.passed


def test_encrypted_broken_and_foreign_archives_block() -> None:
    encrypted = bytearray(zipped({"x": b"y" * 100}))
    for marker in (b"PK\x03\x04", b"PK\x01\x02"):
        position = encrypted.find(marker) + (6 if marker == b"PK\x03\x04" else 8)
        encrypted[position] |= 1
    for name, content in {
        "enc.zip": bytes(encrypted),
        "cut.zip": zipped({"x": b"y" * 1000})[:60],
        "a.7z": b"7z\xbc\xaf\x27\x1c" + b"x" * 50,
        "a.zst": b"\x28\xb5\x2f\xfd" + b"x" * 50,
    }.items():
        result = scanner().scan_files({name: content})
        assert rules(result) == {"archive-unsafe"}, name
        assert not result.passed


def test_a_link_in_a_tar_blocks() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("link")
        info.type = tarfile.SYMTYPE
        info.linkname = "/etc/passwd"
        archive.addfile(info)
    assert rules(scanner().scan_files({"a.tar": buffer.getvalue()})) == {"archive-unsafe"}


def test_programs_block_and_their_strings_are_read() -> None:
    result = scanner().scan_files({"tool": b"\x7fELF\x02\x01\x01" + b"\0" * 100 + EVIL + b"\0" * 100})
    assert rules(result) == {"opaque-binary", "evil-call"}
    assert not result.passed


def test_pictures_are_data_but_what_hides_in_them_is_found() -> None:
    picture = b"\x89PNG\r\n\x1a\n" + b"\0\1\2" * 50
    assert scanner().scan_files({"logo.png": picture}).passed
    assert rules(scanner().scan_files({"logo.png": picture + b"\n" + EVIL})) == {"evil-call"}


def test_compiled_python_passes_only_with_its_own_source(tmp_path: Path) -> None:
    import py_compile

    source = tmp_path / "m.py"
    source.write_text("def f():\n    return 1\n")
    compiled = Path(py_compile.compile(str(source)) or "")
    assert scanner().scan_skill(tmp_path).passed
    source.write_text("def f():\n    return 2\n")
    assert rules(scanner().scan_skill(tmp_path)) == {"opaque-binary"}
    source.unlink()
    assert rules(scanner().scan_skill(tmp_path)) == {"opaque-binary"}
    assert compiled.exists()


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_every_unicode_encoding_is_read(codec: str) -> None:
    text = "# a comment\n" * 3 + EVIL.decode()
    assert "evil-call" in rules(scanner().scan_files({"x.py": text.encode(codec)}))


def test_nul_and_broken_bytes_hide_nothing() -> None:
    plain = b"some honest text of a certain length\n" * 5
    for content in (
        plain + b"evil\0_call(1)",
        plain + b"\xff\n" + EVIL,
        plain + EVIL + b"\xe9t\xe9",
        b"\xff\xfe" + (plain + EVIL).decode().encode("utf-16-le"),
    ):
        result = scanner().scan_files({"x.md": content})
        assert {"evil-call", "unusual-encoding"} <= rules(result), content[-30:]


def test_texts_in_old_encodings_are_texts() -> None:
    for codec, words in {
        "koi8-r": "привет мир ",
        "shift_jis": "こんにちは世界 ",
        "iso2022_kr": "안녕하세요 ",
        "cp1252": "café «été» ",
    }.items():
        result = scanner().scan_files({"x.txt": (words * 20).encode(codec)})
        assert rules(result) <= {"unusual-encoding"}, codec
        assert result.passed


def test_a_declared_encoding_is_followed() -> None:
    source = b"# coding: utf-7\n+AGUAdgBpAGwAXwBjAGEAbABsACgAMQAp-\n"
    assert rules(scanner().scan_files({"x.py": source})) == {"unusual-encoding", "evil-call"}


def test_a_long_line_and_a_million_lines_are_scanned_in_full() -> None:
    for content in (b"x" * (1 << 20) + b" " + EVIL, b"\n" * 1_000_000 + EVIL, b"a b " * 250_000 + EVIL):
        started = time.monotonic()
        result = scanner().scan_files({"x.txt": content})
        assert rules(result) == {"evil-call"}
        assert time.monotonic() - started < 3
    assert scanner().scan_files({"x.txt": b"\n" * 1_000_000 + EVIL}).findings[0].line == 1_000_001


def test_a_scanner_that_breaks_on_a_file_does_not_pass_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from symbi_skills import filescan

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(filescan, "decode", broken)
    result = scanner().scan_files({"x.txt": b"hello"})
    assert rules(result) == {"unreadable"}
    assert not result.passed


def test_file_names_and_texts_are_cleaned_for_the_terminal() -> None:
    from symbi_skills.outputs.text import as_text

    result = scanner().scan_files({"a\x1b[31m\nb.py": b"evil_call(1) # \x1b]0;owned\x07 \xe2\x80\xae\n"})
    text = "\n".join(as_text(result))
    assert "\x1b]" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "a\\u{1b}[31m" in text


def test_secrets_are_not_shown() -> None:
    result = scanner().scan_files({"x.py": b"evil_call(api_key='abcdefghijklmnop1234567890')\n"})
    assert "abcdefghijklmnop1234567890" not in msgspec.json.encode(result).decode()


def test_the_ledger_names_every_file() -> None:
    """Requirement 3: scanned, partly, data, skipped, with reason, size and digest."""
    result = scanner().scan_files(
        {"a.txt": b"x", "b.png": b"\x89PNG\r\n\x1a\n\0\0", "c": b"\x7fELF\0\0", "d.7z": b"7z\xbc\xaf\x27\x1c"}
    )
    assert [(each.path, each.status) for each in result.coverage] == [
        ("skill/a.txt", "scanned"),
        ("skill/b.png", "data"),
        ("skill/c", "partly"),
        ("skill/d.7z", "skipped"),
    ]
    assert all(len(each.sha256) == 64 for each in result.coverage)
