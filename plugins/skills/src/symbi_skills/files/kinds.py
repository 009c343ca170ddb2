"""What a file is, by its first bytes; a suffix proves nothing."""

from __future__ import annotations

__all__ = ["kind_of", "looks_like_python", "tar_like"]

_ARCHIVES = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
)
_CLOSED = (
    (b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
    (b"Rar!\x1a\x07", "RAR archive"),
    (b"\x28\xb5\x2f\xfd", "Zstandard data"),
    (b"MSCF", "cabinet file"),
    (b"xar!", "installer package"),
)
_CODE = (
    (b"\x7fELF", "Linux program"),
    (b"MZ", "Windows program"),
    (b"\xfe\xed\xfa\xce", "macOS program"),
    (b"\xfe\xed\xfa\xcf", "macOS program"),
    (b"\xce\xfa\xed\xfe", "macOS program"),
    (b"\xcf\xfa\xed\xfe", "macOS program"),
    (b"\xca\xfe\xba\xbe", "Java class or macOS program"),
    (b"\0asm", "WebAssembly module"),
    (b"dex\n", "Android program"),
    (b"\x1bLua", "compiled Lua"),
)
_MEDIA = (
    (b"\0\0\0\1Bud1", "folder view of macOS"),
    (b"\0\5\x16\7", "file attributes of macOS"),
    (b"\x89PNG\r\n\x1a\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF87a", "image"),
    (b"GIF89a", "image"),
    (b"BM", "image"),
    (b"II*\0", "image"),
    (b"MM\0*", "image"),
    (b"\0\0\1\0", "image"),
    (b"\0\1\0\0\0", "font"),
    (b"OTTO", "font"),
    (b"true", "font"),
    (b"ttcf", "font"),
    (b"wOFF", "font"),
    (b"wOF2", "font"),
    (b"OggS", "audio"),
    (b"ID3", "audio"),
    (b"fLaC", "audio"),
    (b"\xff\xfb", "audio"),
    (b"\x1aE\xdf\xa3", "video"),
)


def kind_of(head: bytes, name: str) -> tuple[str, str]:
    """Return a kind (`archive`, `closed`, `code`, `media`, `pdf`, `pyc` or `text`) and its words for people."""
    for magic, words in _ARCHIVES:
        if head.startswith(magic):
            return "archive", words
    if tar_like(head):
        return "archive", "tar"
    for magic, words in _CLOSED:
        if head.startswith(magic):
            return "closed", words
    if head[:5] == b"%PDF-":
        return "pdf", "PDF document"
    if head[2:4] == b"\r\n" and (
        name.endswith((".pyc", ".pyo")) or head[4:8] in (b"\0\0\0\0", b"\1\0\0\0", b"\3\0\0\0")
    ):
        return "pyc", "compiled Python"
    if b"\0" in head:
        for magic, words in _CODE:
            if head.startswith(magic):
                return "code", words
        if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"WAVE", b"AVI "):
            return "media", "media"
        if head[4:8] == b"ftyp":
            return "media", "video or image"
        for magic, words in _MEDIA:
            if head.startswith(magic):
                return "media", words
    return "text", ""


def tar_like(head: bytes) -> bool:
    """Tell whether the block is the header of a tar archive."""
    return head[257:262] == b"ustar"


def looks_like_python(name: str, head: bytes) -> bool:
    """Tell whether a text is Python, by name or shebang."""
    return name.lower().endswith((".py", ".pyw", ".pyi")) or (
        head.startswith(b"#!") and b"python" in head.split(b"\n", 1)[0]
    )
