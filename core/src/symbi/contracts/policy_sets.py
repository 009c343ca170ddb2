"""Policy sets: the texts read from a policy directory, and what checking them found."""

from __future__ import annotations

from typing import Literal

import msgspec

from symbi.contracts.errors import InvalidRequest

__all__ = ["SURFACES", "PolicyBundle", "PolicyFinding", "PolicyInvalid", "PolicyReport", "PolicySource"]

SURFACES = ("run", "coordinator", "http-input", "managed-cli", "eval", "shell")
"""The surfaces that a policy folder may be named after; plugins register more with `Gate.register_surface`."""


class PolicySource(msgspec.Struct, frozen=True, kw_only=True):
    """One text of policies: a file, or one entry of a JSON file. `layer` is empty for the shared layer, else the
    surface it serves.
    """

    name: str
    text: str
    path: str = ""
    layer: str = ""


class PolicyBundle(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was read from a policy directory at one moment; `revision` is the hash of it all."""

    sources: tuple[PolicySource, ...] = ()
    revision: str = ""
    surfaces: tuple[str, ...] = SURFACES


class PolicyFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing found wrong or doubtful in a policy text."""

    severity: Literal["error", "warning"]
    code: str
    message: str
    path: str = ""
    policy: str = ""
    line: int | None = None
    column: int | None = None


class PolicyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What checking a bundle found; `ok` is true when no finding is an error.

    `places` says where each policy stands (`file:line`), `actions` which actions the policies name (`tool_call::clock`).
    """

    revision: str = ""
    policies: tuple[str, ...] = ()
    places: dict[str, str] = {}
    actions: tuple[str, ...] = ()
    findings: tuple[PolicyFinding, ...] = ()

    @property
    def ok(self) -> bool:
        """Tell whether the bundle may be put in force."""
        return all(finding.severity != "error" for finding in self.findings)


class PolicyInvalid(InvalidRequest):
    """A policy set was refused as a whole; `report` says why, file by file, and the set before it stays in force."""

    code = "POLICY_INVALID"

    def __init__(self, message: str, *, report: PolicyReport) -> None:
        super().__init__(message, details={"findings": msgspec.to_builtins(report.findings)})
        self.report = report
