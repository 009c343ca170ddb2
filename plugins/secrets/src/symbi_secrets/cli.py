"""`symbi secrets`: set, list, remove and re-encrypt; a value comes from stdin or a prompt, never from the command line."""

from __future__ import annotations

import sys

import click

from symbi.cli.output import error_exit, json_option, print_json, table
from symbi.contracts.errors import InvalidRequest
from symbi.contracts.secrets import check_secret_name

__all__ = ["secrets"]

MOST = 65_536


@click.group()
def secrets() -> None:
    """Set, list, remove and re-encrypt secrets; none is ever shown."""


@secrets.command("set")
@click.argument("name")
@json_option
@click.pass_context
def set_secret(ctx: click.Context, name: str, as_json: bool) -> None:
    """Keep a value under NAME; it is asked for, or read from stdin (one line break at its end is left out).

    Example: symbi secrets set github/token < token.txt
    """
    from symbi.cli.client import api

    _checked(name)
    value = _value(name)
    with api(ctx) as client:
        found = client.post("/secrets", {"name": name, "value": value})
    if as_json:
        print_json(found)
    else:
        click.echo(f"{name} is set (version {found['version']}); agents name it as vault://{name}", err=True)


@secrets.command("list")
@json_option
@click.pass_context
def list_secrets(ctx: click.Context, as_json: bool) -> None:
    """List the names.

    Example: symbi secrets list --json
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        found = client.get("/secrets")
    if as_json:
        print_json(found)
        return
    rows = [
        [each["name"], each["source"], str(each["version"] or ""), each["changed_at"] or ""]
        for each in found["secrets"]
    ]
    table(["name", "source", "version", "changed"], rows, empty="no secret is set")


@secrets.command("remove")
@click.argument("name")
@json_option
@click.pass_context
def remove_secret(ctx: click.Context, name: str, as_json: bool) -> None:
    """Forget the value of NAME; exit 1 where there is none.

    Example: symbi secrets remove github/token
    """
    from symbi.cli.client import api

    _checked(name)
    with api(ctx) as client:
        found = client.delete(f"/secrets/{name}")
    if as_json:
        print_json(found)
    else:
        click.echo(f"{name} is removed", err=True)


@secrets.command("rotate")
@json_option
@click.pass_context
def rotate_secrets(ctx: click.Context, as_json: bool) -> None:
    """Seal every value under a new data key and the master key of today.

    To change SYMBI_MASTER_KEY, start once with the new key there and the old one in SYMBI_MASTER_KEY_PREVIOUS.

    Example: symbi secrets rotate
    """
    from symbi.cli.client import api

    with api(ctx) as client:
        found = client.post("/secrets/rotate")
    if as_json:
        print_json(found)
    else:
        click.echo(f"{found['resealed']} secrets are sealed anew", err=True)


def _checked(name: str) -> None:
    try:
        check_secret_name(name)
    except InvalidRequest as error:
        error_exit(error.message)


def _value(name: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(f"value of {name}", hide_input=True, confirmation_prompt=True, err=True))
    try:
        given = sys.stdin.buffer.read(MOST + 3).decode("utf-8")
    except UnicodeDecodeError:
        error_exit("the value on stdin is no UTF-8 text", hint="encode it, for example by base64")
    return given.removesuffix("\n").removesuffix("\r")
