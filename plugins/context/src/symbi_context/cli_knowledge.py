"""`symbi knowledge`: documents that agents may draw on."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.termui import progressbar

from symbi.cli.output import error_exit, json_option, print_json, table, warn

__all__ = ["knowledge"]

_SUFFIXES = frozenset(
    [
        ".md",
        ".markdown",
        ".txt",
        ".rst",
        ".html",
        ".htm",
        ".json",
        ".jsonl",
        ".pdf",
        ".py",
        ".js",
        ".ts",
        ".rs",
        ".go",
        ".java",
        ".c",
        ".h",
        ".cpp",
        ".rb",
        ".sh",
        ".sql",
        ".toml",
        ".yaml",
        ".yml",
        ".symbi",
        ".dsl",
        ".cedar",
    ]
)
_LARGEST = 20 * 1024 * 1024
_SKIPPED = frozenset({"node_modules", "__pycache__", "venv", "dist", "build"})
_agent = click.option("--agent", help="Whose knowledge (id or name); the whole tenant's where it is left out.")


@click.group()
def knowledge() -> None:
    """Add, search, list and remove documents."""


@knowledge.command()
@click.argument("sources", nargs=-1, required=True)
@_agent
@click.option("--level", default="public", help="public, restricted, confidential or secret.", show_default=True)
@click.option(
    "--media", default="", help="text, markdown, code, json, html or pdf; by the suffix where it is left out."
)
@click.option(
    "--chunker", default="", help="fixed, paragraph, sentence or semantic; what suits the medium where it is left out."
)
@json_option
@click.pass_context
def add(
    ctx: click.Context, sources: tuple[str, ...], agent: str | None, level: str, media: str, chunker: str, as_json: bool
) -> None:
    """Add files, folders or http(s) addresses; what has not changed is no work.

    Example: symbi knowledge add docs/ README.md
    """
    from symbi.cli.client import api

    wanted = [uri for source in sources for uri in _expanded(source)]
    if not wanted:
        error_exit(
            "no document was found", hint="name files, or folders with Markdown, text, code, JSON, HTML or PDF", code=1
        )
    results: list[dict[str, Any]] = []
    skipped: list[dict[str, str]] = []
    with api(ctx) as client, _progress(wanted, as_json) as uris:
        for uri in uris:
            content, reason = _fetched(uri)
            if content is None:
                skipped.append({"path": uri, "reason": reason})
                continue
            body = {"uri": uri, "agent": agent, "level": level, "media": media, "chunker": chunker, **content}
            results.append(client.post("/context/knowledge", body))
    if as_json:
        print_json({"documents": results, "skipped": skipped})
    else:
        counts = {
            name: sum(1 for each in results if each["status"] == name) for name in ("added", "updated", "unchanged")
        }
        click.echo(f"{counts['added']} added, {counts['updated']} updated, {counts['unchanged']} unchanged")
        for each in skipped:
            warn(f"skipped {each['path']}: {each['reason']}")
        if results and not all(each["embedded"] for each in results):
            warn("not everything can be found by meaning yet: symbi memory stats says why")
    if not results:
        ctx.exit(1)


@knowledge.command()
@click.argument("query")
@_agent
@click.option("--limit", default=5, show_default=True)
@click.option("--source", "sources", multiple=True, help="A glob over uris; may be given several times.")
@json_option
@click.pass_context
def search(
    ctx: click.Context, query: str, agent: str | None, limit: int, sources: tuple[str, ...], as_json: bool
) -> None:
    """Find passages; exit 1 where there are none.

    Example: symbi knowledge search "how are policies reloaded?"
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        body = {"query": query, "agent": agent, "limit": limit, "sources": list(sources)}
        answer = client.post("/context/knowledge/search", body)
    if as_json:
        print_json(answer)
    else:
        if answer["degraded"]:
            warn(f"by words only: {answer['reason']}")
        for each in answer["passages"]:
            click.echo(f"{each['score']:.2f}  {each['uri']} [{each['start']}:{each['end']}]  {each['title']}")
            click.echo("      " + " ".join(each["text"].split())[:300] + "\n")
        if not answer["passages"]:
            warn("nothing was found")
    if not answer["passages"]:
        ctx.exit(1)


@knowledge.command("list")
@_agent
@json_option
@click.pass_context
def list_documents(ctx: click.Context, agent: str | None, as_json: bool) -> None:
    """List the documents.

    Example: symbi knowledge list
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        answer = client.get("/context/knowledge", params={"agent": agent})
    if as_json:
        print_json(answer)
        return
    rows = [
        [each["uri"], each["title"], each["level"], str(each["chunks"]), each["updated_at"]]
        for each in answer["documents"]
    ]
    table(["uri", "title", "level", "chunks", "updated"], rows, empty="no document is kept; symbi knowledge add FILE")


@knowledge.command()
@click.argument("uri")
@_agent
@json_option
@click.pass_context
def remove(ctx: click.Context, uri: str, agent: str | None, as_json: bool) -> None:
    """Remove a document (by uri or id) with every piece of it.

    Example: symbi knowledge remove docs/old.md
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        proof = client.request("DELETE", "/context/knowledge", params={"uri": uri, "agent": agent})
    print_json(proof) if as_json else click.echo(f"removed {uri}: {proof['erased']} pieces")


def _expanded(source: str) -> Iterator[str]:
    """Yield the documents that a source means; a folder is walked, without hidden and built folders."""
    if source.startswith(("http://", "https://")):
        yield source
        return
    path = Path(source)
    if path.is_dir():
        for each in sorted(path.rglob("*")):
            parts = each.relative_to(path).parts
            hidden = any(part.startswith(".") or part in _SKIPPED for part in parts)
            if not hidden and each.suffix.lower() in _SUFFIXES and each.is_file():
                yield each.as_posix()
    elif path.exists():
        yield path.as_posix()
    else:
        error_exit(f"{source}: no such file or folder")


def _fetched(uri: str) -> tuple[dict[str, str] | None, str]:
    """Return a document's content as the route takes it, or why there is none."""
    try:
        if uri.startswith(("http://", "https://")):
            content = _downloaded(uri)
        else:
            path = Path(uri)
            if path.stat().st_size > _LARGEST:
                return None, f"larger than {_LARGEST // 2**20} MiB"
            content = path.read_bytes()
    except OSError as error:
        return None, error.strerror or str(error)
    if not content.strip():
        return None, "empty"
    if uri.lower().endswith(".pdf") or content.startswith(b"%PDF-"):
        return {"content_base64": base64.b64encode(content).decode(), "media": "pdf"}, ""
    try:
        return {"content": content.decode("utf-8-sig")}, ""
    except UnicodeDecodeError:
        return None, "no UTF-8 text"


def _downloaded(url: str) -> bytes:
    import httpx

    try:
        with httpx.stream("GET", url, follow_redirects=True, timeout=30.0) as answer:
            answer.raise_for_status()
            found = bytearray()
            for part in answer.iter_bytes():
                found += part
                if len(found) > _LARGEST:
                    raise OSError(f"larger than {_LARGEST // 2**20} MiB")
            return bytes(found)
    except httpx.HTTPError as error:
        raise OSError(f"{type(error).__name__}: {error}") from None


def _progress(uris: list[str], as_json: bool) -> Any:
    """Return the uris behind a progress bar, on a terminal only."""
    stderr = sys.stderr
    shown = stderr.isatty() and not as_json and len(uris) > 1
    return progressbar(uris, label="adding", file=stderr, hidden=not shown)
