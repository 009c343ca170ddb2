"""From a document to its text and title; what a chunk's place refers to is this text."""

from __future__ import annotations

import importlib
import io
import re
from html.parser import HTMLParser
from typing import Any

import msgspec

from symbi.contracts.context import NewDocument
from symbi.contracts.errors import InvalidRequest, ServiceUnavailable

__all__ = ["MEDIA", "chunker_of", "extract", "media_of"]

_CODE = (
    ".py .js .ts .tsx .jsx .rs .go .java .c .h .cpp .hpp .cs .rb .php .sh .sql .toml .yaml .yml .ini .cfg "
    ".symbi .dsl .cedar .css .kt .swift"
)
MEDIA = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".json": "json",
    ".jsonl": "text",
    ".pdf": "pdf",
    **dict.fromkeys(_CODE.split(), "code"),
}
"""Media by suffix; everything else is plain text."""
_CHUNKERS = {
    "markdown": "semantic",
    "code": "semantic",
    "html": "paragraph",
    "pdf": "paragraph",
    "json": "fixed",
    "text": "paragraph",
}
_SKIPPED = frozenset({"script", "style", "noscript", "template", "svg", "head"})
_BLOCKS = frozenset(
    [
        "p",
        "div",
        "br",
        "li",
        "tr",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "pre",
        "section",
        "article",
        "table",
        "ul",
        "ol",
        "blockquote",
    ]
)
_TITLE = re.compile(r"^#\s+(.{1,400})$", re.MULTILINE)
_MOST_PAGES = 5_000


def media_of(document: NewDocument) -> str:
    """Return the medium of a document: as it says, else by its uri's suffix, else plain text."""
    if document.media:
        if document.media not in _CHUNKERS:
            raise InvalidRequest(
                f"{document.media!r} is no medium", hint=f"one of {', '.join(_CHUNKERS)}", details={"field": "media"}
            )
        return document.media
    path = re.split(r"[?#]", document.uri.lower())[0]
    suffix = "." + path.rpartition(".")[2] if "." in path else ""
    return MEDIA.get(suffix, "text")


def chunker_of(document: NewDocument, media: str) -> str:
    """Return the chunker that is asked for, else the one that suits the medium."""
    return document.chunker or _CHUNKERS[media]


def extract(document: NewDocument, media: str) -> tuple[str, str]:
    """Return `(text, title)`; raises `InvalidRequest` for content that is not of the medium."""
    if media == "pdf":
        text, title = _pdf(document.content)
    else:
        text, title = _decoded(document.content), ""
        if media == "html":
            text, title = _html(text)
        elif media == "json":
            _check_json(text)
        elif media == "markdown":
            found = _TITLE.search(text)
            title = found[1].strip() if found else ""
    text = text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if not text.strip():
        raise InvalidRequest("the document has no text", details={"field": "content", "reason": "empty"})
    return text, (document.title or title or document.uri)[:400]


def _decoded(content: str | bytes) -> str:
    if isinstance(content, str):
        return content
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRequest(
            "the document is no UTF-8 text", hint="convert it, or say media = pdf", details={"field": "content"}
        ) from None


def _check_json(text: str) -> None:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest(f"the document is no JSON: {error}", details={"field": "content"}) from None


class _TextOf(HTMLParser):
    """Collects what a reader would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.title = ""
        self._skipping = 0
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "title":
            self._in_title = True
        elif tag in _SKIPPED:
            self._skipping += 1
        elif tag in _BLOCKS:
            self.parts.append("\n\n" if tag not in ("br", "li", "tr") else "\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        elif tag in _SKIPPED:
            self._skipping = max(0, self._skipping - 1)
        elif tag in _BLOCKS:
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        elif not self._skipping:
            self.parts.append(re.sub(r"\s+", " ", data))


def _html(text: str) -> tuple[str, str]:
    parser = _TextOf()
    parser.feed(text)
    parser.close()
    return re.sub(r"\s*\n\s*\n\s*", "\n\n", "".join(parser.parts)).strip(), parser.title.strip()


def _pdf(content: str | bytes) -> tuple[str, str]:
    if isinstance(content, str):
        raise InvalidRequest("a PDF is sent as bytes", hint="content_base64", details={"field": "content"})
    try:
        library = importlib.import_module("pypdf")
    except ImportError:
        raise ServiceUnavailable(
            "PDF documents need the library pypdf", hint="pip install 'symbi-context[pdf]'"
        ) from None
    try:
        reader = library.PdfReader(io.BytesIO(content))
        pages = [reader.pages[number].extract_text() for number in range(min(len(reader.pages), _MOST_PAGES))]
        title = str((reader.metadata or {}).get("/Title") or "")
    except Exception as error:
        raise InvalidRequest(f"the PDF cannot be read: {type(error).__name__}", details={"field": "content"}) from None
    return "\n\n".join(pages), title
