"""`symbi composio`: what the catalogue holds, with the digests that pin it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from symbi.cli.output import error_exit, json_option, print_json

if TYPE_CHECKING:
    from symbi_composio.config import ComposioConfig

__all__ = ["composio"]


@click.group()
def composio() -> None:
    """See what Composio offers, to pin what agents may reach.

    Example: symbi composio tools GMAIL
    """


@composio.command()
@click.argument("prefix", default="")
@json_option
@click.pass_context
def tools(ctx: click.Context, prefix: str, as_json: bool) -> None:
    """List the tools whose names begin with PREFIX, each with the digest of its definition.

    Example: symbi composio tools GMAIL_SEND
    """
    from symbi.cli.state import state_of
    from symbi.contracts.errors import SymbiError
    from symbi_composio.client import endpoint_of
    from symbi_composio.config import ComposioConfig

    settings = state_of(ctx).settings
    try:
        config = settings.section("plugins.composio", ComposioConfig)
        found = asyncio.run(_listed(config, *endpoint_of(config, settings.environ), prefix=prefix))
    except SymbiError as error:
        error_exit(error.message, hint=error.hint)
        raise
    if as_json:
        print_json({"tools": found})
        return
    for each in found:
        click.echo(f'{each["name"]} = "{each["digest"]}"   # {each["description"]}')


async def _listed(config: ComposioConfig, url: str, key: object, *, prefix: str) -> list[dict[str, str]]:
    from symbi.contracts.secret import Secret
    from symbi_composio.client import ComposioClient
    from symbi_composio.toolset import digest_of

    assert isinstance(key, Secret)
    client = ComposioClient(config, url, key)
    try:
        return [
            {
                "name": tool["name"],
                "digest": digest_of(tool),
                "description": " ".join(str(tool.get("description", "")).split())[:80],
            }
            async for tool in client.catalogue()
            if tool["name"].startswith(prefix)
        ]
    finally:
        await client.close()
