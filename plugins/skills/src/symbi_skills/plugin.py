"""What the plugin `skills` offers."""

from __future__ import annotations

from collections.abc import Iterator

from symbi import Command, RouteGroup, Service, hookimpl

__all__: list[str] = []


@hookimpl
def services() -> Iterator[Service]:
    yield Service(
        name="skills",
        provides="symbi.contracts.scanner:SkillScannerService",
        config="symbi_skills.config:SkillsConfig",
        open="symbi_skills.service:open_scanner",
        table="plugins.skills",
        critical=False,
        summary="Scans skills before agents load them.",
    )


@hookimpl
def routes() -> Iterator[RouteGroup]:
    yield RouteGroup(name="skills", load="symbi_skills.routes:HANDLERS")


@hookimpl
def commands() -> Iterator[Command]:
    yield Command(
        name="scan", load="symbi_skills.cli:scan", summary="Scan skills, folders and archives for malicious content."
    )
    yield Command(name="rules", load="symbi_skills.cli:rules", summary="List the scanner rules that are installed.")
    yield Command(
        name="skills", load="symbi_skills.skills_cli:skills", summary="List and show the skills that agents may load."
    )
