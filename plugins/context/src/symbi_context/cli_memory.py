"""`symbi memory`: what agents remember, for people."""

from __future__ import annotations

import sys
import time
from typing import Any

import click
from click.termui import progressbar

from symbi.cli.output import json_option, print_json, table, warn

__all__ = ["memory"]


@click.group()
def memory() -> None:
    """Look into, search and mend what agents remember."""


@memory.command("add")
@click.argument("agent")
@click.argument("text")
@click.option(
    "--type", "kind", default="factual", show_default=True, help="factual, procedural, episodic, semantic or working."
)
@click.option("--importance", default=0.5, show_default=True, type=click.FloatRange(0, 1))
@click.option("--pinned", is_flag=True, help="Never archived.")
@click.option("--supersedes", help="The id of the memory that this one corrects.")
@json_option
@click.pass_context
def add(
    ctx: click.Context,
    agent: str,
    text: str,
    kind: str,
    importance: float,
    pinned: bool,
    supersedes: str | None,
    as_json: bool,
) -> None:
    """Keep a memory of an agent.

    Example: symbi memory add hello "Deployments happen on Fridays"
    """
    body: dict[str, Any] = {"agent": agent, "text": text, "type": kind, "importance": importance, "pinned": pinned}
    answer = _post(ctx, "/context/memories", {**body, "supersedes": supersedes})
    print_json(answer) if as_json else click.echo(answer["id"])


@memory.command("list")
@click.argument("agent")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@click.option("--archived", is_flag=True, help="What retention or eviction has put away.")
@json_option
@click.pass_context
def list_memories(ctx: click.Context, agent: str, limit: int, archived: bool, as_json: bool) -> None:
    """List an agent's memories, newest first.

    Example: symbi memory list hello
    """
    answer = _get(ctx, "/context/memories", agent=agent, limit=limit, archived=str(archived).lower())
    if as_json:
        print_json(answer)
        return
    rows = [[each["created_at"], each["type"], _line(each["text"]), each["id"]] for each in answer["memories"]]
    table(["created", "type", "text", "id"], rows, empty="nothing is remembered")


@memory.command()
@click.argument("agent")
@click.argument("terms", nargs=-1, required=True)
@click.option(
    "--mode", default="hybrid", show_default=True, type=click.Choice(["keyword", "temporal", "similarity", "hybrid"])
)
@click.option("--type", "types", multiple=True, help="Only these memory types.")
@click.option("--since", help="RFC 3339, with its zone.")
@click.option("--until", help="RFC 3339, with its zone.")
@click.option("--threshold", type=click.FloatRange(0, 1), help="The least relevance.")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 1000))
@json_option
@click.pass_context
def search(
    ctx: click.Context, agent: str, terms: tuple[str, ...], mode: str, types: tuple[str, ...], since: str | None, until: str | None,
    threshold: float | None, limit: int, as_json: bool,
) -> None:  # fmt: skip
    """Search what an agent remembers, knows and has said; exit 1 where nothing is found.

    Example: symbi memory search hello deployments --mode keyword
    """
    body: dict[str, Any] = {
        "agent": agent, "query_type": mode, "search_terms": list(terms), "memory_types": list(types), "max_results": limit,
        "relevance_threshold": threshold,
    }  # fmt: skip
    if since or until:
        body["time_range"] = {"start": since, "end": until}
    answer = _post(ctx, "/context/search", body)
    if as_json:
        print_json(answer)
    else:
        if answer["degraded"]:
            warn(f"by words only: {answer['reason']}")
        rows = [
            [
                f"{each['score']:.2f}",
                f"{each['relevance_score']:.2f}",
                each["item_type"],
                _line(each["content"]),
                each["id"],
            ]
            for each in answer["results"]
        ]
        table(["score", "relevance", "what", "text", "id"], rows, empty="nothing was found")
    if not answer["results"]:
        ctx.exit(1)


@memory.command()
@click.argument("agent")
@click.argument("ids", nargs=-1)
@click.option("--subject", default="", help="Everything about this subject.")
@click.option("--session", default="", help="Everything of this session.")
@click.option("--everything", is_flag=True, help="Everything of the agent.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_context
def forget(
    ctx: click.Context,
    agent: str,
    ids: tuple[str, ...],
    subject: str,
    session: str,
    everything: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Erase for good and show the proof; exit 1 where a check does not hold.

    Example: symbi memory forget hello --subject ann
    """
    if everything and not yes:
        click.confirm(f"erase everything that {agent} remembers and knows?", abort=True, err=True)
    body = {"agent": agent, "ids": list(ids), "subject": subject, "session": session, "everything": everything}
    proof = _post(ctx, "/context/forget", body)
    if as_json:
        print_json(proof)
    else:
        click.echo(
            f"erased {proof['erased']}; "
            + ", ".join(f"{name}: {'ok' if good else 'NOT YET'}" for name, good in proof["checks"].items())
        )
    if not proof["complete"]:
        ctx.exit(1)


@memory.command()
@click.option("--agent", help="Only this agent.")
@click.option("--dry-run", is_flag=True, help="Only count.")
@json_option
@click.pass_context
def archive(ctx: click.Context, agent: str | None, dry_run: bool, as_json: bool) -> None:
    """Apply retention now: archive what nobody has used, erase what has been archived for as long again.

    Example: symbi memory archive --dry-run
    """
    report = _post(ctx, "/context/archive", {"agent": agent, "dry_run": dry_run})
    print_json(report) if as_json else click.echo(
        f"archived {report['archived']}, erased {report['erased']}{' (dry run)' if dry_run else ''}"
    )


@memory.command()
@click.argument("agent")
@click.argument("item")
@json_option
@click.pass_context
def restore(ctx: click.Context, agent: str, item: str, as_json: bool) -> None:
    """Bring an archived memory back.

    Example: symbi memory restore hello 0b1e…
    """
    answer = _post(ctx, f"/context/archive/{item}/restore", {"agent": agent})
    print_json(answer) if as_json else click.echo(f"restored {item}")


@memory.command()
@click.argument("agent")
@json_option
@click.pass_context
def sessions(ctx: click.Context, agent: str, as_json: bool) -> None:
    """List an agent's sessions.

    Example: symbi memory sessions hello
    """
    answer = _get(ctx, "/context/sessions", agent=agent)
    if as_json:
        print_json(answer)
        return
    table(["updated", "id", "title"], [[each["updated_at"], each["id"], each["title"]] for each in answer["sessions"]])


@memory.command()
@json_option
@click.pass_context
def stats(ctx: click.Context, as_json: bool) -> None:
    """Show totals, the backend, the embedder, and what waits.

    Example: symbi memory stats
    """
    answer = _get(ctx, "/context/stats")
    if as_json:
        print_json(answer)
        return
    for name, value in answer.items():
        click.echo(f"{name:30} {value}")


@memory.command()
@json_option
@click.pass_context
def reembed(ctx: click.Context, as_json: bool) -> None:
    """Make every vector anew with the present embedder, after a change of model.

    Example: symbi memory reembed
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        total = client.post("/context/reembed")["waiting"]
        left, stuck = total, 0
        with _bar(total, "embedding", as_json) as bar:
            while left and stuck < 60:
                time.sleep(0.5)
                now = client.get("/context/stats")["vectors_waiting"]
                stuck = stuck + 1 if now >= left else 0
                bar.update(max(0, left - now))
                left = now
    if as_json:
        print_json({"embedded": total - left, "waiting": left})
    else:
        click.echo(f"{total - left} embedded, {left} waiting")
    if left:
        ctx.exit(1)


@memory.command()
@click.option("--to", "target", required=True, help="The backend: lancedb, qdrant, sqlitevec.")
@json_option
@click.pass_context
def move(ctx: click.Context, target: str, as_json: bool) -> None:
    """Copy every vector to another backend; then name it in [vector_db] and restart.

    Example: symbi memory move --to qdrant
    """
    from symbi.cli.client import api

    moved, after = 0, ""
    with api(ctx) as client:
        total = client.get("/context/stats")["vectors"]
        with _bar(total, f"moving to {target}", as_json) as bar:
            while True:
                page = client.post("/context/move", {"to": target, "after": after})
                moved += page["moved"]
                bar.update(page["moved"])
                after = page["next"]
                if not after:
                    break
    if as_json:
        print_json({"moved": moved, "to": target})
    else:
        click.echo(f'moved {moved}; set [vector_db] backend = "{target}" and restart')


def _get(ctx: click.Context, path: str, **params: Any) -> Any:
    from symbi.cli.client import api

    with api(ctx) as client:
        return client.get(path, params=params)


def _post(ctx: click.Context, path: str, body: dict[str, Any]) -> Any:
    from symbi.cli.client import api

    with api(ctx) as client:
        return client.post(path, body)


def _bar(length: int, label: str, as_json: bool) -> Any:
    stderr = sys.stderr
    hidden = as_json or not stderr.isatty()
    return progressbar(length=length, label=label, file=stderr, hidden=hidden)


def _line(text: str) -> str:
    return " ".join(text.split())[:80]
