"""Configuration of the plugin `adaptive`: the table `[adaptive]`."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["AdaptiveConfig", "Conventions", "Prehydration", "Profile", "Steps"]


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tools are offered: included, less excluded, verified if demanded, the most relevant ones."""

    include: tuple[str, ...] = ()
    """Globs over whole names; empty means all."""
    exclude: tuple[str, ...] = ()
    """Globs over whole names."""
    require_verified: bool = False
    """Only tools whose verification the runtime itself knows of; what a description claims does not count."""
    max_tools: int | None = None
    """At most so many, the most relevant to the task first."""


class Steps(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a loop is stuck: the counts of the ladder, and what counts as the same."""

    enabled: bool = True
    """Whether loops are watched."""
    warn: int = 3
    """The same call for the n-th time is carried out with a warning."""
    block: int = 4
    """From here on it is answered with its last result instead."""
    stop: int = 6
    """Here the run ends (`stuck`)."""
    window: int = 12
    """How many calls back cycles are looked for."""
    max_cycle: int = 4
    """The longest cycle that is looked for."""
    similarity_threshold: float = 0.85
    """From here on two errors, or two results of one tool, are near-identical."""
    max_reattempts_per_step: int = 2
    """So many near-identical errors of one tool in a row begin the ladder."""
    on_limit_reached: Literal["skip_step", "abort_task"] = "skip_step"
    """`skip_step` climbs the ladder; `abort_task` ends the run where it would block."""
    exempt: tuple[str, ...] = ()
    """Globs over tools that poll and may be called again and again."""


class Prehydration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """References in the user's words that are fetched before the first turn; each fetch passes the gate."""

    enabled: bool = False
    """Off unless an operator turns it on."""
    resolution_tools: dict[str, str] = {}
    """`{ url = "http_get", file = "read_file" }`: which tool resolves which kind of reference."""
    custom_patterns: dict[str, str] = {}
    """`{ ticket = "TICKET-\\\\d+" }`: further kinds of references, by regular expression."""
    max_references: int = 10
    """At most so many are fetched."""
    max_context_tokens: int = 4000
    """What fetched context may take in all."""


class Conventions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules that apply where a task works: files called `name` from the task's directory up to the root, nearest first."""

    enabled: bool = True
    """Whether conventions are looked for."""
    root: str = "."
    """The project's root, relative to the configuration file; nothing above it is ever read."""
    name: str = "CONVENTIONS.md"
    """The file of a directory's rules; `CONVENTIONS.<language>.md` beside it is for one language."""
    max_characters: int = 8000
    """At most so much goes into the prompt."""


class AdaptiveConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[adaptive]`."""

    tool_profile: Profile = Profile()
    """The profile of agents without one of their own."""
    profiles: dict[str, Profile] = {}
    """Profiles by agent's name."""
    step_iteration: Steps = Steps()
    """When a loop is stuck."""
    pre_hydration: Prehydration = Prehydration()
    """What is fetched beforehand."""
    conventions: Conventions = Conventions()
    """Rules by path."""
