"""Who acts: an authenticated caller, or a part of the runtime acting for one."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["LOCAL_ADMIN", "Principal", "PrincipalKind"]

PrincipalKind = Literal["admin", "key", "user", "agent", "system", "anonymous"]


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """An identity established by a credential, never by what a request says.

    `id` is stable (`token`, `key:<key id>`, `user:<name>`, `agent:<uuid>`, `system:scheduler`); `scopes` are what it may do;
    `agents` are the agent ids it reaches beside its scopes (None = none); `admin` reaches everything, and may do what policy allows.
    """

    id: str
    kind: PrincipalKind
    admin: bool = False
    scopes: frozenset[str] = frozenset()
    agents: frozenset[str] | None = None
    roles: frozenset[str] = frozenset()
    display_name: str = ""

    def may_use_agent(self, agent_id: str) -> bool:
        """Tell whether this principal's credential reaches the agent."""
        return self.admin or (self.agents is not None and agent_id in self.agents)


LOCAL_ADMIN = Principal(id="local", kind="admin", admin=True, display_name="local operator")
"""The person at the command line of this machine, who owns the data directory."""
