"""Finding a schedule by id or name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from symbi.cli.output import error_exit

if TYPE_CHECKING:
    from symbi.cli.client import ApiClient

__all__ = ["id_of"]


def id_of(client: ApiClient, name_or_id: str) -> str:
    """The id of the schedule with that id or that one name; ends the command where there is none, or more than one."""
    found: list[dict[str, Any]] = client.get("/schedules")
    exact = [each for each in found if each["job_id"] == name_or_id] or [
        each for each in found if each["name"] == name_or_id
    ]
    if len(exact) > 1:
        ids = ", ".join(each["job_id"] for each in exact)
        error_exit(f"{len(exact)} schedules are called {name_or_id!r}", hint=f"use an id: {ids}", code=1)
    if not exact:
        error_exit(f"there is no schedule {name_or_id!r}", hint="symbi cron list", code=1)
    return str(exact[0]["job_id"])
