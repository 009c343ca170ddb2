"""Tables of plugins: made at once on a fresh start, walked through their revisions on an older database, refused on a newer one."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, text

from symbi.contracts.errors import StoreError, StoreTooNew
from symbi.contracts.offers import Tables
from symbi.store import Store

OldAndNew = tuple[Tables, Tables]


@pytest.fixture
def store_tables() -> Sequence[Tables]:
    return ()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Write a package of revisions: `package("name", first="code", second="code")`."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name: str, **modules: str) -> str:
        (tmp_path / name).mkdir()
        for module, code in modules.items():
            (tmp_path / name / f"{module}.py").write_text(textwrap.dedent(code))
        return name

    return write


def things(*columns: Column[int] | Column[str]) -> MetaData:
    metadata = MetaData()
    Table("things", metadata, Column("id", Integer, primary_key=True), *columns)
    return metadata


FIRST = """
    from symbi.store import baseline
    revision = "things_0001"
    down_revision = None
    upgrade = baseline("nowhere:METADATA")
"""
SECOND = """
    from alembic import op
    from sqlalchemy import Column, String
    revision: str = "things_0002"
    down_revision: str = "things_0001"
    def upgrade():
        with op.batch_alter_table("things") as batch:
            batch.add_column(Column("name", String(20), nullable=False, server_default="unnamed"))
        op.execute("UPDATE things SET name = 'thing ' || id")
"""


@pytest.fixture
def old_and_new(package: Callable[..., str]) -> OldAndNew:
    old = Tables(name="things", load=things(), migrations=package("old_things", r0001=FIRST))
    new = Tables(
        name="things",
        load=things(Column("name", String(20))),
        migrations=package("new_things", r0001=FIRST, r0002=SECOND),
    )
    return old, new


def names(conn: object) -> list[tuple[object, ...]]:
    return [tuple(row) for row in conn.execute(text("SELECT id, name FROM things ORDER BY id"))]  # type: ignore[attr-defined]


async def test_an_older_database_runs_the_revisions_it_has_not_seen(any_store: Store, old_and_new: OldAndNew) -> None:
    old, new = old_and_new
    assert (await any_store.upgrade([old])).changed == ["things"]
    await any_store.write(lambda conn: conn.execute(text("INSERT INTO things (id) VALUES (1), (2)")) and None)
    assert (await any_store.upgrade([new])).changed == ["things"]
    assert await any_store.read(names) == [(1, "thing 1"), (2, "thing 2")]
    assert (await any_store.upgrade([new])).changed == []


async def test_a_newer_database_is_refused_with_the_remedy_and_left_alone(
    any_store: Store, old_and_new: OldAndNew
) -> None:
    old, new = old_and_new
    await any_store.upgrade([new])
    other = Tables(name="other", load=MetaData(), migrations="")
    with pytest.raises(StoreTooNew) as refused:
        await any_store.upgrade([other, old])
    assert "'things' are at revision 'things_0002'" in refused.value.message
    assert "install the newer version" in str(refused.value)
    report = await any_store.upgrade([other, old], strict=False)
    assert report.changed == ["other"], "the refusal above undid the other branch with it"
    assert list(report.failed) == ["things"]


async def test_a_revision_that_raises_leaves_no_trace(any_store: Store, package: Callable[..., str]) -> None:
    broken = 'revision = "base2"\ndown_revision = "base"\nfrom alembic import op\n\ndef upgrade():\n    op.execute("DROP TABLE things")\n    raise RuntimeError("half way")\n'
    good = Tables(name="things", load=things(), migrations="")
    await any_store.upgrade([good])
    with pytest.raises(StoreError) as failed:
        await any_store.upgrade([Tables(name="things", load=things(), migrations=package("broken_things", r1=broken))])
    assert failed.value.error_code == "MIGRATION_FAILED"
    assert "half way" in failed.value.message
    assert await any_store.read(lambda conn: conn.execute(text("SELECT count(*) FROM things")).scalar()) == 0


@pytest.mark.parametrize(
    ("modules", "reason"),
    [
        ({"a": 'revision = "1"\ndown_revision = None', "b": 'revision = "2"\ndown_revision = None'}, "fork"),
        ({"a": 'revision = "1"\ndown_revision = "0"'}, "no line"),
        ({"a": 'revision = "1"\ndown_revision = None', "b": 'revision = "3"\ndown_revision = "2"'}, "no line"),
        ({"a": "x = 1"}, "no line"),
    ],
)
async def test_revisions_that_are_no_line_are_an_error(
    store: Store, package: Callable[..., str], modules: dict[str, str], reason: str
) -> None:
    with pytest.raises(StoreError, match=reason):
        await store.upgrade([Tables(name="t", load=MetaData(), migrations=package("crooked", **modules))])


async def test_a_missing_package_of_revisions_is_named(store: Store) -> None:
    with pytest.raises(StoreError, match="'no_such_package'"):
        await store.upgrade([Tables(name="t", load=MetaData(), migrations="no_such_package")])


async def test_a_baseline_that_comes_later_creates_the_missing_tables(
    store: Store, package: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = 'from symbi.store import baseline\nrevision = "m2"\ndown_revision = "base"\nupgrade = baseline("more_tables:METADATA")\n'
    folder = package("more", r2=code)
    module = type(sys)("more_tables")
    module.METADATA = things()  # type: ignore[attr-defined]
    Table("extra", module.METADATA, Column("id", Integer, primary_key=True))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "more_tables", module)
    await store.upgrade([Tables(name="more", load=things(), migrations="")])
    await store.upgrade([Tables(name="more", load=module.METADATA, migrations=folder)])  # type: ignore[attr-defined]
    assert await store.read(lambda conn: conn.execute(text("SELECT count(*) FROM extra")).scalar()) == 0


async def test_two_runtimes_that_start_at_once_upgrade_once(postgres_url: str, old_and_new: OldAndNew) -> None:
    import asyncio

    old, new = old_and_new
    one, two = await Store.open(postgres_url), await Store.open(postgres_url)
    for offer in (old, new):
        reports = await asyncio.gather(one.upgrade([offer]), two.upgrade([offer]))
        assert sorted(report.changed for report in reports) == [[], ["things"]]
    await one.close()
    await two.close()


async def test_altering_a_table_keeps_the_rows_that_refer_to_it(store: Store, package: Callable[..., str]) -> None:
    def schema() -> MetaData:
        from sqlalchemy import ForeignKey

        metadata = things()
        Table("parts", metadata, Column("thing", Integer, ForeignKey("things.id", ondelete="CASCADE")))
        return metadata

    await store.upgrade([Tables(name="things", load=schema(), migrations="")])
    await store.write(lambda conn: conn.execute(text("INSERT INTO things VALUES (1)")) and None)
    await store.write(lambda conn: conn.execute(text("INSERT INTO parts VALUES (1)")) and None)
    rebuild = """
        from alembic import op
        from sqlalchemy import Column, Integer
        revision = "r1"
        down_revision = "base"
        def upgrade():
            with op.batch_alter_table("things", recreate="always") as batch:
                batch.add_column(Column("size", Integer))
    """
    await store.upgrade([Tables(name="things", load=schema(), migrations=package("rebuilt", r1=rebuild))])
    assert await store.read(lambda conn: conn.execute(text("SELECT count(*) FROM parts")).scalar()) == 1


def twenty_plugins() -> list[Tables]:
    offers = []
    for plugin in range(20):
        metadata = MetaData()
        for number in range(3):
            columns = [Column(f"c{n}", String(40), index=n == 0) for n in range(10)]
            Table(f"t{plugin}_{number}", metadata, Column("id", Integer, primary_key=True), *columns)
        offers.append(Tables(name=f"p{plugin}", load=metadata, migrations=""))
    return offers


async def test_a_fresh_start_of_twenty_plugins_is_quick(store: Store) -> None:
    offers = twenty_plugins()
    started = time.process_time()
    assert len((await store.upgrade(offers)).changed) == 20
    assert time.process_time() - started < 0.3


def test_a_start_with_nothing_to_do_imports_no_alembic(tmp_path: Path) -> None:
    code = """
        import asyncio, sys
        from symbi.contracts.offers import Tables
        from symbi.store.store import Store
        async def main():
            store = await Store.open(sys.argv[1])
            report = await store.upgrade([Tables(name="notes", load="store_schema:METADATA", migrations="")])
            await store.close()
            assert "alembic" not in sys.modules
            print(report.changed, "store_schema" in sys.modules)
        asyncio.run(main())
    """
    command = [sys.executable, "-c", textwrap.dedent(code), f"sqlite:///{tmp_path}/symbi.db"]
    said = [
        subprocess.run(command, cwd=Path(__file__).parent, check=True, capture_output=True, text=True).stdout.strip()
        for _ in range(2)
    ]
    assert said == ["['notes'] True", "[] False"]
