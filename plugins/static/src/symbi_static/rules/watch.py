"""Ties the rules to the machine: every call, result, store and branch goes past them."""

from __future__ import annotations

from dataclasses import replace

from symbi_static.flow.machine import Frame, Machine, Site
from symbi_static.flow.values import Scope, Val
from symbi_static.ir.nodes import Expr, If
from symbi_static.rules import files, injection, network, payload, resources, returns
from symbi_static.rules.capabilities import Capabilities
from symbi_static.rules.collector import Collector

__all__ = ["attach"]

_CHECKS = (
    injection.check_commands,
    injection.check_code,
    injection.check_sql,
    injection.check_templates,
    injection.check_deserialization,
    files.check_paths,
    files.check_persistence,
    files.check_deletion,
    network.check_ssrf,
    network.check_transport,
    network.check_exfiltration,
    payload.check_payload,
    payload.check_supply,
    payload.check_built_names,
    resources.check_sizes,
    returns.check_output_call,
)


def attach(machine: Machine, out: Collector, capabilities: Capabilities) -> None:
    """Connect all rules."""
    backdoor = payload.BackdoorWatch(out)
    for name in ("__file__", "__filename"):
        machine.globals.vars[name] = replace(Val(ref=name), tags=frozenset({"own-source"}))

    def on_call(site: Site) -> None:
        for check in _CHECKS:
            check(site, out)
        backdoor.on_call(site)
        capabilities.on_call(site)

    def on_return(frame: Frame, value: Val, line: int) -> None:
        capabilities.on_taint(value)
        returns.check_return(frame, value, line, out)

    def on_store(target: Expr, value: Val, line: int, scope: Scope) -> None:
        capabilities.on_taint(value)
        returns.check_store(target, value, line, scope, out)

    def on_attr(node: Expr, value: Val, scope: Scope) -> None:
        capabilities.on_attr(node, value, node.line)

    def on_branch(node: If, test: Val) -> None:
        payload.check_branch(machine, node, test, out)

    machine.on_call = on_call
    machine.on_return = on_return
    machine.on_store = on_store
    machine.on_attr = on_attr
    machine.on_branch = on_branch
