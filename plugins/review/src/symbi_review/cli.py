"""`symbi review …` and `symbi tools sign`."""

from __future__ import annotations

import base64
import sys
import time
from pathlib import Path
from typing import Any

import click

from symbi.cli.output import error_exit, json_option, print_json, table
from symbi_review.client import make_token, review_api, who_option

__all__ = ["review", "sign"]

_SETTLED = (
    "signed",
    "pending_review",
    "under_review",
    "rejected",
    "changes_requested",
    "signing_failed",
    "withdrawn",
    "expired",
    "revoked",
)
_ENDINGS = {"py": "python", "js": "javascript", "mjs": "javascript", "ts": "typescript"}


@click.group()
def review() -> None:
    """Submit tools for review, decide about them, watch the queue."""


@review.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", default=None, help="Name of the tool; the file's name without its ending by default.")
@click.option("--version", "version", default="1.0.0", show_default=True, help="Version of the tool.")
@click.option("--description", default="", help="What a model will read.")
@click.option("--author", default="", help="Author; you by default.")
@click.option("--permissions", default="", help="Declared permissions, with commas.")
@click.option("--priority", type=click.Choice(["low", "normal", "high", "urgent"]), default="normal")
@click.option(
    "--wait",
    type=float,
    default=60.0,
    show_default=True,
    help="Seconds to wait until a machine has done its part; 0 does not wait.",
)
@who_option
@json_option
@click.pass_context
def submit(
    ctx: click.Context,
    file: Path,
    name: str | None,
    version: str,
    description: str,
    author: str,
    permissions: str,
    priority: str,
    wait: float,
    who: str | None,
    as_json: bool,
) -> None:
    """Submit a tool. Exit code 1 when it was rejected.

    Example: symbi review submit weather.py --description "Weather of a city" --permissions net.outbound:api.weather.example
    """
    try:
        source = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        error_exit(f"{file} is not UTF-8 text")
        raise
    words = [word.strip() for word in permissions.split(",") if word.strip()]
    metadata = {"description": description, "author": author, "permissions": words}
    body = {
        "tool_name": name or file.stem,
        "tool_version": version,
        "source_code": source,
        "metadata": metadata,
        "priority": priority,
    }
    if file.suffix[1:] in _ENDINGS:
        body["language"] = _ENDINGS[file.suffix[1:]]
    with review_api(ctx, who) as client:
        session = client.post("/sessions", body)
        end = time.monotonic() + wait
        while time.monotonic() < end and session["status"] not in _SETTLED:
            session = client.get(f"/sessions/{session['review_id']}", wait=int(min(5, max(1, end - time.monotonic()))))
    print_json(session) if as_json else _show(session)
    sys.exit(1 if session["status"] == "rejected" else 0)


@review.command("list")
@click.option("--status", default=None, help="One status, or pending, approved, rejected.")
@click.option("--author", default=None, help="Only tools of this author.")
@click.option("--page", default=1, show_default=True)
@click.option("--limit", default=20, show_default=True)
@who_option
@json_option
@click.pass_context
def list_reviews(
    ctx: click.Context, status: str | None, author: str | None, page: int, limit: int, who: str | None, as_json: bool
) -> None:
    """List reviews.

    Example: symbi review list --status pending
    """
    with review_api(ctx, who) as client:
        found = client.get("/sessions", status=status, author=author, page=page, limit=limit)
    if as_json:
        print_json(found)
        return
    rows = [
        [
            s["review_id"],
            s["tool_name"],
            s["tool_version"],
            s["status"],
            str(s["risk_score"] if s["risk_score"] is not None else ""),
            s["created_at"],
        ]
        for s in found["sessions"]
    ]
    table(["review", "tool", "version", "status", "risk", "created"], rows, empty="no review")


@review.command()
@click.argument("review_id")
@who_option
@json_option
@click.pass_context
def show(ctx: click.Context, review_id: str, who: str | None, as_json: bool) -> None:
    """Show a review with its findings.

    Example: symbi review show 5f0c6a1e-8d0b-4a54-9c1e-2f7f2f1f9a10
    """
    with review_api(ctx, who) as client:
        session = client.get(f"/sessions/{review_id}")
    print_json(session) if as_json else _show(session)


@review.command()
@who_option
@json_option
@click.pass_context
def queue(ctx: click.Context, who: str | None, as_json: bool) -> None:
    """Show what waits for people, most urgent first.

    Example: symbi review queue --json
    """
    with review_api(ctx, who) as client:
        found = client.get("/review/queue")
    if as_json:
        print_json(found)
        return
    rows = [
        [
            i["review_id"],
            i["tool_name"],
            str(i["risk_score"]),
            i["priority"],
            i["assigned_to"] or "",
            i["escalated_at"] or "",
        ]
        for i in found["pending_reviews"]
    ]
    table(["review", "tool", "risk", "priority", "assigned to", "waits since"], rows, empty="nobody waits")


@review.command()
@click.argument("review_id")
@who_option
@json_option
@click.pass_context
def claim(ctx: click.Context, review_id: str, who: str | None, as_json: bool) -> None:
    """Take a review for an hour.

    Example: symbi review claim 5f0c6a1e-8d0b-4a54-9c1e-2f7f2f1f9a10 --as bob@example.org
    """
    with review_api(ctx, who) as client:
        found = client.post(f"/review/{review_id}/claim", {})
    print_json(found) if as_json else click.echo(f"{review_id} is yours until {found['lease_until']}")


@review.command()
@click.argument("review_id")
@click.argument("decision", type=click.Choice(["approve", "reject", "request_changes"]))
@click.option("--comments", "-m", default="", help="Why; at least 10 characters unless you approve.")
@click.option(
    "--condition",
    "conditions",
    multiple=True,
    help="A condition of the approval, such as hosts:api.example.com or expires:2027-01-01.",
)
@who_option
@json_option
@click.pass_context
def decide(
    ctx: click.Context,
    review_id: str,
    decision: str,
    comments: str,
    conditions: tuple[str, ...],
    who: str | None,
    as_json: bool,
) -> None:
    """Decide a review. You cannot decide your own.

    Example: symbi review decide 5f0c6a1e-8d0b-4a54-9c1e-2f7f2f1f9a10 approve -m "read it all" --condition hosts:api.example.com
    """
    with review_api(ctx, who) as client:
        found = client.post(
            f"/review/{review_id}/decision",
            {"decision": decision, "comments": comments, "conditions": list(conditions)},
        )
    print_json(found) if as_json else click.echo(f"{review_id}: {found['next_status']}")


@review.command()
@who_option
@json_option
@click.pass_context
def stats(ctx: click.Context, who: str | None, as_json: bool) -> None:
    """Show the statistics of the workflow.

    Example: symbi review stats --json
    """
    with review_api(ctx, who) as client:
        found = client.get("/stats")
    if as_json:
        print_json(found)
        return
    for block, values in found.items():
        click.echo(block.replace("_", " "))
        for name, value in values.items():
            click.echo(f"  {name:32} {value if not isinstance(value, list) else ', '.join(value)}")


@review.command()
@click.option("--sub", required=True, help="Who the token is for.")
@click.option(
    "--scope",
    default="tool:review",
    show_default=True,
    help="Scopes, with blanks: tool:review tool:approve tool:sign tool:admin tool:audit tool:download",
)
@click.option(
    "--hours", type=click.FloatRange(min=0.01, max=24), default=8.0, show_default=True, help="How long it is valid."
)
@json_option
@click.pass_context
def token(ctx: click.Context, sub: str, scope: str, hours: float, as_json: bool) -> None:
    """Make a token for the review API.

    Example: symbi review token --sub alice@example.org --scope "tool:review"
    """
    made = make_token(ctx, subject=sub, scope=scope, lifetime_seconds=int(hours * 3600))
    print_json({"token": made, "sub": sub, "scope": scope, "expires_in": int(hours * 3600)}) if as_json else click.echo(
        made
    )


@click.command()
@click.argument("review_id")
@click.option(
    "--out", type=click.Path(path_type=Path), default=None, help="Where the package goes; its own name by default."
)
@who_option
@json_option
@click.pass_context
def sign(ctx: click.Context, review_id: str, out: Path | None, who: str | None, as_json: bool) -> None:
    """Get the signed package of an approved review. Nothing is signed without a stored approval.

    Example: symbi tools sign 5f0c6a1e-8d0b-4a54-9c1e-2f7f2f1f9a10 --out weather.symtool
    """
    with review_api(ctx, who) as client:
        status = client.post(f"/signing/{review_id}/sign", {})
        package = client.get(f"/signing/{review_id}/package")
    path = out or Path(package["filename"])
    path.write_bytes(base64.b64decode(package["content"]))
    if as_json:
        print_json({**status, "file": str(path)})
    else:
        click.echo(
            f"{path}: signed with {status['signature_info']['key_id']} at {status['signature_info']['signed_at']}"
        )


def _show(session: dict[str, Any]) -> None:
    click.echo(
        f"{session['review_id']}  {session.get('tool_name', '')} {session.get('tool_version', '')}  {session['status']}"
    )
    results = session.get("analysis_results")
    if results is None:
        return
    click.echo(f"  risk {results['risk_score']}")
    for finding in results["findings"]:
        click.echo(
            f"  {finding['severity']:8} {finding['category']} · {finding['location']} · {finding['description']}"
        )
        click.echo(f"           → {finding['recommendation']}")
    decision = session.get("decision")
    if decision:
        click.echo(
            f"  {decision['decision']} by {decision['reviewer_id']} at {decision['processed_at']}: {decision['comments']}"
        )
