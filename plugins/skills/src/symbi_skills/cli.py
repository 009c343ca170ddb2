"""`symbi scan` and `symbi rules`; both work without a server."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symbi.cli.output import json_option, print_json, table, warn

if TYPE_CHECKING:
    from symbi.contracts.scanner import ScannerRuleSource, ScanResult
    from symbi_skills.config import SkillsConfig
    from symbi_skills.scanner import Progress, SkillScanner

__all__ = ["rules", "scan", "scanner_of"]

_SEVERITIES = ["critical", "high", "medium", "warning", "info"]


def sources_of(ctx: click.Context) -> tuple[SkillsConfig, list[ScannerRuleSource], Path]:
    """Return settings, installed rules and the folder that files are relative to; raises for rules that are broken."""
    from symbi.cli.catalogue import offers
    from symbi.cli.state import state_of
    from symbi.kernel.points import SCANNER_RULES
    from symbi_skills.collect import as_sources, refuse_faults
    from symbi_skills.config import SkillsConfig

    state = state_of(ctx)
    config = state.settings.section("plugins.skills", SkillsConfig)
    found = offers(ctx, SCANNER_RULES)
    refuse_faults(
        (record.name, fault.stage, fault.error, fault.remedy)
        for record in state.manager.records.values()
        for fault in record.faults
    )
    folder = state.settings.folder
    return config, [*as_sources(found), *config.pack_rules(folder)], folder


def scanner_of(ctx: click.Context, **changes: Any) -> SkillScanner:
    """Return a scanner with the operator's settings, changed as the command line says."""
    import msgspec

    from symbi_skills.packs import read_pack
    from symbi_skills.scanner import SkillScanner

    config, sources, folder = sources_of(ctx)
    for pack in changes.pop("packs", ()):
        sources += read_pack(Path(pack).read_bytes(), where=str(pack))
    engine = changes.pop("engine", None) or config.engine
    enabled = frozenset(changes.pop("enabled", ()))
    disabled = frozenset(changes.pop("disabled", ()))
    policy = config.policy(folder)
    policy = msgspec.structs.replace(
        policy,
        enabled=policy.enabled | enabled,
        disabled=policy.disabled | disabled,
        **{name: value for name, value in changes.items() if value},
    )
    return SkillScanner(sources, policy=policy, engine=engine)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    show_default=True,
    help="How the result is printed.",
)
@json_option
@click.option(
    "--fail-on",
    type=click.Choice(_SEVERITIES, case_sensitive=False),
    help="The mildest severity that fails (default: high).",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    help="An earlier JSON result; only what is new fails.",
)
@click.option(
    "--suppressions", type=click.Path(path_type=Path, dir_okay=False), help="A TOML file of [[suppress]] tables."
)
@click.option("--rules", "packs", multiple=True, type=click.Path(dir_okay=False), help="A rule pack in YAML or TOML.")
@click.option("--enable", multiple=True, metavar="NAME", help="Turn on opt-in rules by id, category or plugin.")
@click.option("--disable", multiple=True, metavar="RULE", help="Turn off a rule by id.")
@click.option("--allow-executable", "allowed", multiple=True, metavar="NAME", help="Fail on every program but these.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave out files and folders.")
@click.option("--engine", type=click.Choice(["auto", "re2", "python", "hyperscan"]), help="The matching engine.")
@click.option("--ledger", is_flag=True, help="List every file in the JSON result.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the result to a file.")
@click.pass_context
def scan(
    ctx: click.Context,
    /,
    paths: tuple[Path, ...],
    form: str,
    as_json: bool,
    output: Path | None,
    ledger: bool,
    **given: Any,
) -> None:
    """Scan skills, folders, files and archives; exit 0 passed, 1 failed, 2 could not be scanned.

    Example: symbi scan ~/.claude/skills --fail-on medium --format sarif
    """
    form = "json" if as_json else form
    scanner = _scanner(ctx, given)
    result = _scan_all(scanner, paths)
    _print(result, scanner, form, ledger, output)
    ctx.exit(0 if result.passed else 1)


def _scanner(ctx: click.Context, given: dict[str, Any]) -> SkillScanner:
    from symbi.contracts.errors import PluginError
    from symbi_skills.baseline import read_baseline
    from symbi_skills.policy import parse_suppressions

    changes: dict[str, Any] = {
        "fail_on": (given["fail_on"] or "").lower(),
        "excludes": tuple(given["exclude"]),
        "allowed_executables": tuple(given["allowed"]) or None,
        "enabled": given["enable"],
        "disabled": given["disable"],
        "packs": given["packs"],
        "engine": given["engine"],
    }
    try:
        if given["baseline"]:
            changes["baseline"] = read_baseline(given["baseline"].read_bytes(), where=str(given["baseline"]))
        if given["suppressions"]:
            changes["suppressions"] = parse_suppressions(
                given["suppressions"].read_bytes(), where=str(given["suppressions"])
            )
        return scanner_of(ctx, **changes)
    except OSError as error:
        raise click.UsageError(f"{error.filename}: {(error.strerror or 'cannot be read').lower()}") from None
    except PluginError as error:  # rules that cannot work are no verdict on what was to be scanned
        raise click.UsageError(str(error)) from None


def _scan_all(scanner: SkillScanner, paths: Iterable[Path]) -> ScanResult:
    from symbi_skills.merge import merged

    with _progress() as tell:
        return merged([scanner.scan_skill(path, progress=tell) for path in paths])


def _print(result: ScanResult, scanner: SkillScanner, form: str, ledger: bool, output: Path | None) -> None:
    import msgspec

    if form == "text":
        from symbi_skills.outputs.text import as_text

        lines = list(as_text(result))
        if output is None:
            click.echo("\n".join(lines))
        else:
            output.write_text(click.unstyle("\n".join(lines)) + "\n")
        return
    if form == "json":
        from symbi_skills.outputs.json_output import as_document

        document = as_document(result, ledger=ledger)
    else:
        from symbi import __version__
        from symbi_skills.outputs.sarif import as_sarif

        document = as_sarif(result, scanner.rules_in_force().sources, version=__version__)
    if output is None:
        print_json(document)
    else:
        output.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")


class _progress:  # reads as a function
    """A line on a terminal that says how far the scan is; nothing in a pipe."""

    def __enter__(self) -> Callable[[Progress], None] | None:
        self._count = 0
        return self._tell if sys.stderr.isatty() else None

    def _tell(self, progress: Progress) -> None:
        self._count += 1
        if self._count % 50 == 0:
            from symbi_skills.snippet import clean

            click.echo(
                f"\r\x1b[K{progress.scanned} files, {progress.bytes / 1e6:.1f} MB  {clean(progress.file)[-60:]}",
                nl=False,
                err=True,
            )

    def __exit__(self, *_: object) -> None:
        if self._count >= 50:
            click.echo("\r\x1b[K", nl=False, err=True)


@click.command()
@json_option
@click.option("--plugin", help="Only the rules of one plugin.")
@click.pass_context
def rules(ctx: click.Context, as_json: bool, plugin: str | None) -> None:
    """List every scanner rule that is installed, with its plugin.

    Example: symbi rules --plugin clawhavoc
    """
    from symbi_skills.collect import chosen
    from symbi_skills.rules_view import rules_document

    config, sources, _ = sources_of(ctx)
    on = (
        frozenset(source.rule.id for source in chosen(sources, enabled=config.enabled, disabled=config.disabled))
        if sources
        else frozenset()
    )
    shown = [source for source in sources if plugin in (None, source.plugin)]
    if as_json:
        print_json(rules_document(shown, on=on))
        return
    rows = [
        [
            source.rule.id,
            source.rule.severity,
            source.rule.category,
            source.plugin,
            "on" if source.rule.id in on else "off",
            source.rule.message,
        ]
        for source in shown
    ]
    table(
        ["rule", "severity", "category", "plugin", "", "message"],
        rows,
        empty="no scanner rules are installed; pip install symbi-clawhavoc",
    )
    if not rows:
        warn("without rules nothing passes a scan")
