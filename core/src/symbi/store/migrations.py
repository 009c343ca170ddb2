"""Tables and their revisions: new ones are made from metadata at once, older ones walk through their plugin's Alembic revisions.

A database without a record of a branch gets the branch's tables as their metadata has them now, stamped with the newest revision, so
that a fresh start runs no revision and does not import Alembic. A recorded branch runs the revisions that it has not seen. All of it is
one transaction under a lock, with a savepoint per branch: a branch that fails leaves no trace.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from symbi.contracts.errors import StoreError, StoreTooNew, SymbiError
from symbi.contracts.offers import Ref, Tables, load
from symbi.store.branches import Branch, Revision, read_branch
from symbi.store.errors import translate

__all__ = ["UpgradeReport", "baseline", "upgrade"]

_RECORD = Table(
    "symbi_schema",
    MetaData(),
    Column("branch", String(100), primary_key=True),
    Column("revision", String(100), nullable=False),
)
_LOCK_KEY = 0x53594D4249


class UpgradeReport:
    """What an upgrade did: the branches it `changed`, and those that `failed`, each with its error."""

    def __init__(self) -> None:
        self.changed: list[str] = []
        self.failed: dict[str, SymbiError] = {}


def baseline(metadata: Ref) -> Callable[[], None]:
    """Return the `upgrade` of a revision that creates whichever tables of `metadata` (or `module:NAME`) are missing.

    A plugin's first revision is `upgrade = baseline("symbi_x.tables:METADATA")`; a later one that only adds tables is the same line.
    """

    def create() -> None:
        from alembic import op

        conn = op.get_bind()
        _create_missing(conn, load(metadata), set(inspect(conn).get_table_names()))

    return create


def upgrade(engine: Engine, offers: Sequence[Tables], *, strict: bool = True) -> UpgradeReport:
    """Bring every branch to its newest revision (blocks).

    With `strict` the first failure undoes everything and is raised; without, a failing branch is undone alone and reported.
    Raises `StoreTooNew` for a branch recorded at a revision that the installed plugin does not know.
    """
    report = UpgradeReport()
    try:
        with engine.connect() as conn:
            if conn.dialect.name == "sqlite":
                # Alembic rebuilds a table to alter it; with foreign keys on, dropping the old one would delete the rows that refer to it.
                conn.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]
            with conn.begin():
                _upgrade_all(conn, offers, report, strict)
    except SQLAlchemyError as error:
        raise translate(error) from error
    return report


def _upgrade_all(conn: Connection, offers: Sequence[Tables], report: UpgradeReport, strict: bool) -> None:
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK_KEY,))
    _RECORD.create(conn, checkfirst=True)
    recorded = {
        str(name): str(revision) for name, revision in conn.execute(select(_RECORD.c.branch, _RECORD.c.revision))
    }
    existing: set[str] | None = None
    for offer in offers:
        try:
            branch = read_branch(offer)
            if recorded.get(branch.name) == branch.head:
                continue
            if branch.name not in recorded and existing is None:
                existing = set(inspect(conn).get_table_names())
            with conn.begin_nested():
                _upgrade_branch(conn, offer, branch, recorded.get(branch.name), existing or set())
            report.changed.append(branch.name)
        except Exception as error:
            failure = _blame(error, offer)
            if strict:
                raise failure from error
            report.failed[offer.name] = failure


def _upgrade_branch(conn: Connection, offer: Tables, branch: Branch, recorded: str | None, existing: set[str]) -> None:
    if recorded is None:
        _create_missing(conn, load(offer.load), existing)
        conn.execute(_RECORD.insert(), {"branch": branch.name, "revision": branch.head})
        return
    ahead = branch.after(recorded)
    if ahead is None:
        raise StoreTooNew(
            f"the tables {branch.name!r} are at revision {recorded!r}, and the installed version knows them only up to {branch.head!r}",
            hint="install the newer version that wrote this database, or restore a backup made before it",
            details={"branch": branch.name, "recorded": recorded, "known": branch.head},
        )
    _run_revisions(conn, ahead)
    if conn.dialect.name == "sqlite":
        broken = conn.exec_driver_sql("PRAGMA foreign_key_check").fetchone()
        if broken is not None:
            raise StoreError(
                f"after the revisions a row of {broken[0]!r} would refer to a missing row of {broken[2]!r}"
            )
    conn.execute(_RECORD.update().where(_RECORD.c.branch == branch.name), {"revision": branch.head})


def _run_revisions(conn: Connection, revisions: Sequence[Revision]) -> None:
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    with Operations.context(MigrationContext.configure(conn)):
        for revision in revisions:
            module: Any = importlib.import_module(revision.module)
            module.upgrade()


def _create_missing(conn: Connection, metadata: MetaData, existing: set[str]) -> None:
    missing = [found for found in metadata.sorted_tables if found.name not in existing]
    metadata.create_all(conn, tables=missing, checkfirst=False)


def _blame(error: Exception, offer: Tables) -> SymbiError:
    if isinstance(error, StoreTooNew):
        return error
    reason = translate(error) if isinstance(error, SQLAlchemyError) else error
    if isinstance(reason, StoreError) and type(reason) is not StoreError:
        return reason
    return StoreError(
        f"the tables {offer.name!r} could not be brought up to date: {reason}",
        code="MIGRATION_FAILED",
        hint="the database is as it was before; disable the plugin, or install a version whose revisions work",
        details={"branch": offer.name},
    )
