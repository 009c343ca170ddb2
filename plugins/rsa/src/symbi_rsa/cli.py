"""`symbi tools verify|keys|root|crl`: checking needs no server; keys are those of the data directory."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from symbi.cli.output import error_exit, json_option, print_json, table

if TYPE_CHECKING:
    from symbi_rsa.keyring import KeyRing

__all__ = ["crl", "keys", "root", "verify"]

T = TypeVar("T")


@click.command()
@click.argument("package", type=click.Path(path_type=Path))
@click.option(
    "--root",
    "root_file",
    type=click.Path(path_type=Path),
    required=True,
    help="The root certificate that you trust (PEM).",
)
@click.option(
    "--crl",
    "crl_file",
    type=click.Path(path_type=Path),
    default=None,
    help="Fresh revocation lists (PEM), in the place of the package's own.",
)
@click.option("--strict", is_flag=True, help="Refuse when the revocation list is past its time, as openssl does.")
@click.option(
    "--source",
    "out",
    type=click.Path(path_type=Path),
    default=None,
    help="Write the tool's source here once it is verified.",
)
@json_option
def verify(
    package: Path, root_file: Path, crl_file: Path | None, strict: bool, out: Path | None, as_json: bool
) -> None:
    """Check a signed tool package. Exit code 1 when it is not good.

    Example: symbi tools verify weather-1.0.0.symtool --root root.pem --json
    """
    import msgspec

    from symbi_rsa.verify import verify_package

    content = _bytes(package)
    root_pem = _bytes(root_file).decode("ascii", "replace")
    crl_pem = _bytes(crl_file).decode("ascii", "replace") if crl_file else None
    try:
        found = verify_package(content, root_pem=root_pem, crl_pem=crl_pem, now=datetime.now(UTC), strict=strict)
    except ValueError:
        error_exit("the root or the revocation list is not PEM", hint="symbi tools root > root.pem")
        return
    if out is not None and found.ok and found.source_code is not None:
        out.write_text(found.source_code, encoding="utf-8")
    if as_json:
        answer = msgspec.to_builtins(found)
        print_json(
            {key: answer[key] for key in ("ok", "reason", "statement", "package_sha256", "revocation_known_until")}
        )
    else:
        _tell(found, package)
    sys.exit(0 if found.ok else 1)


def _tell(found: Any, package: Path) -> None:
    if not found.ok:
        click.echo(f"{package}: {click.style('NOT good', fg='red', bold=True)}: {found.reason}")
        return
    verdict = found.statement["predicate"]
    tool = verdict.get("tool", {})
    click.echo(f"{package}: {click.style('good', fg='green', bold=True)}: {found.reason}")
    click.echo(f"  tool       {tool.get('name')} {tool.get('version')}")
    click.echo(
        f"  decided    {verdict.get('decision')} by {', '.join(map(str, verdict.get('decided_by', [])))} at {verdict.get('decided_at')}"
    )
    click.echo(f"  risk       {verdict.get('risk_score')}")
    click.echo(f"  conditions {', '.join(map(str, verdict.get('conditions', []))) or 'none'}")
    click.echo(f"  signed     {verdict.get('signed_at')} with {verdict.get('key_id')}")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        error_exit(f"cannot read {path}: {error.strerror}")
        raise


@click.group()
def keys() -> None:
    """List, rotate and revoke signing keys of this data directory."""


@keys.command("list")
@json_option
@click.pass_context
def keys_list(ctx: click.Context, as_json: bool) -> None:
    """List the signing keys.

    Example: symbi tools keys list --json
    """
    infos = [row.info() for row in _with_ring(ctx, lambda ring, now: ring.rows())]
    if as_json:
        print_json({"keys": [_plain(info) for info in infos]})
        return
    rows = [
        [info.key_id, info.state, info.algorithm, _day(info.not_after_ms), info.reason, info.fingerprint[:23] + "…"]
        for info in infos
    ]
    table(["key", "state", "algorithm", "valid until", "reason", "fingerprint"], rows, empty="no key yet")


@keys.command("rotate")
@json_option
@click.pass_context
def keys_rotate(ctx: click.Context, as_json: bool) -> None:
    """Make a new active key; what the old one signed stays valid.

    Example: symbi tools keys rotate
    """
    info = _with_ring(ctx, lambda ring, now: ring.rotate(now)).info()
    print_json(_plain(info)) if as_json else click.echo(f"{info.key_id} is active until {_day(info.not_after_ms)}")


@keys.command("revoke")
@click.argument("key_id")
@click.option(
    "--reason",
    default="key_compromise",
    show_default=True,
    help="key_compromise, superseded, cessation_of_operation or privilege_withdrawn.",
)
@click.option(
    "--since",
    type=click.DateTime(),
    default=None,
    help="Since when the key is not trusted (UTC); tools it signed from then on are revoked.",
)
@json_option
@click.pass_context
def keys_revoke(ctx: click.Context, key_id: str, reason: str, since: datetime | None, as_json: bool) -> None:
    """Revoke a key and publish it in the revocation list; rotate afterwards to sign on.

    Example: symbi tools keys revoke signing-key-001 --reason key_compromise
    """
    at = int(since.replace(tzinfo=UTC).timestamp() * 1000) if since else None
    info = _with_ring(ctx, lambda ring, now: ring.revoke(key_id, reason=reason, now=now, invalid_since_ms=at)).info()
    print_json(_plain(info)) if as_json else click.echo(
        f"{info.key_id} is revoked ({info.reason}); symbi tools crl prints the new list"
    )


@click.command()
@click.pass_context
def root(ctx: click.Context) -> None:
    """Print the root certificate that verifiers pin.

    Example: symbi tools root > root.pem
    """
    click.echo(_with_ring(ctx, lambda ring, now: ring.root_pem()), nl=False)


@click.command()
@click.pass_context
def crl(ctx: click.Context) -> None:
    """Print the newest revocation lists.

    Example: symbi tools crl > crl.pem
    """
    click.echo(_with_ring(ctx, lambda ring, now: ring.crl_pem(now)), nl=False)


def _with_ring(ctx: click.Context, work: Callable[[KeyRing, datetime], T]) -> T:
    from symbi.cli.state import state_of
    from symbi.contracts.errors import SymbiError
    from symbi_rsa.config import RsaConfig
    from symbi_rsa.signer import ring_of

    settings = state_of(ctx).settings
    now = datetime.now(UTC)
    try:
        ring = ring_of(settings.section("plugins.rsa", RsaConfig), settings.data_dir, settings.environ)
        ring.ensure(now)
        return work(ring, now)
    except SymbiError as error:
        error_exit(error.message, hint=error.hint, code=1)
        raise


def _plain(info: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(info)


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
