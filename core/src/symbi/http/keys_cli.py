"""`symbi keys`: make, list and revoke API keys."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from symbi.cli.output import json_option, print_json, table
from symbi.cli.state import state_of
from symbi.contracts.errors import InvalidRequest, NotFound
from symbi.http.keys import KeyRecord, edit_keys, keys_path, load_keys
from symbi.kernel.clock import rfc3339

__all__ = ["keys"]


@click.group()
def keys() -> None:
    """Make, list and revoke API keys.

    While there is a key file, it alone says who may enter: the token in API_AUTH_TOKEN is no longer taken.
    """


@keys.command()
@click.option(
    "--agent", "agents", multiple=True, metavar="AGENT_ID", help="Limit the key to this agent; may be given again."
)
@click.option(
    "--scope", "scopes", multiple=True, metavar="SCOPE", help="Give the key this right only; may be given again."
)
@click.option("--description", default="", help="What the key is for.")
@click.option(
    "--expires-days",
    type=click.IntRange(1, 3650),
    help="The key is valid for so many days (default: until it is revoked).",
)
@json_option
@click.pass_context
def create(
    ctx: click.Context,
    agents: tuple[str, ...],
    scopes: tuple[str, ...],
    description: str,
    expires_days: int | None,
    as_json: bool,
) -> None:
    """Make a key and print it, once. Without --agent and --scope it is an administrator's.

    Example: symbi keys create --agent 6f1c… --description "the dashboard"
    """
    from symbi.http.hashing import hash_secret, new_secret

    secret, now = new_secret(), datetime.now(UTC)
    record = KeyRecord(
        key_id=f"sk_{secrets.token_hex(6)}",
        key_hash=hash_secret(secret),
        agent_scope=list(dict.fromkeys(agents)) or None,
        scopes=list(dict.fromkeys(scopes)) or None,
        description=_described(description),
        created_at=rfc3339(now),
        expires_at=rfc3339(now + timedelta(days=expires_days)) if expires_days else None,
    )
    path = _path(ctx)
    first = not path.exists()
    with edit_keys(path) as records:
        records[record.key_id] = record
    if as_json:
        print_json({"key": f"{record.key_id}.{secret}", **_shown(record)})
    else:
        click.echo(f"{record.key_id}.{secret}")
        click.echo("keep it now: only its hash is stored", err=True)
    if first:
        click.echo(f"{path} now decides who may enter; the token in API_AUTH_TOKEN is no longer taken", err=True)


@keys.command("list")
@json_option
@click.pass_context
def list_keys(ctx: click.Context, as_json: bool) -> None:
    """List the keys, without their secrets.

    Example: symbi keys list --json
    """
    path = _path(ctx)
    records = list(load_keys(path).values()) if path.exists() else []
    if as_json:
        print_json({"keys": [_shown(record) for record in records]})
        return
    rows = [
        [
            each.key_id,
            _reach(each),
            each.created_at,
            each.expires_at or "-",
            "revoked" if each.revoked else "valid",
            each.description,
        ]
        for each in records
    ]
    table(
        ["key", "reaches", "created", "until", "state", "description"],
        rows,
        empty="there are no keys; symbi keys create makes one",
    )


@keys.command()
@click.argument("key_id")
@json_option
@click.pass_context
def revoke(ctx: click.Context, key_id: str, as_json: bool) -> None:
    """Revoke a key for good; a running server notices at once.

    Example: symbi keys revoke sk_0123456789ab
    """
    path = _path(ctx)
    if not path.exists():
        raise NotFound(f"there is no key {key_id!r}: {path} does not exist", hint="symbi keys list")
    with edit_keys(path) as records:
        if key_id not in records:
            raise NotFound(f"there is no key {key_id!r}", hint="symbi keys list")
        records[key_id] = _revoked(records[key_id])
    if as_json:
        print_json({"key_id": key_id, "revoked": True})
    else:
        click.echo(f"revoked {key_id}", err=True)


def _path(ctx: click.Context) -> Path:
    return keys_path(state_of(ctx).settings.data_dir)


def _revoked(record: KeyRecord) -> KeyRecord:
    import msgspec

    return msgspec.structs.replace(record, revoked=True)


def _described(text: str) -> str:
    if len(text) > 200 or not text.isprintable():
        raise InvalidRequest("the description must be at most 200 printable characters")
    return text


def _reach(record: KeyRecord) -> str:
    parts = [*(f"agent {each}" for each in record.agent_scope or ()), *(record.scopes or ())]
    return ", ".join(parts) or "everything"


def _shown(record: KeyRecord) -> dict[str, object]:
    return {
        "key_id": record.key_id,
        "agents": record.agent_scope,
        "scopes": record.scopes,
        "description": record.description,
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "revoked": record.revoked,
    }
