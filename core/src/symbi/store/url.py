"""Where the store is: the URL of the setting `[store] url`, read into its parts."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec

from symbi.contracts.errors import ConfigError

__all__ = ["StoreUrl", "read_url"]


class StoreUrl(msgspec.Struct, frozen=True, kw_only=True):
    """A store address: `path` for SQLite, `driver_url` (for SQLAlchemy) for PostgreSQL; `shown` never holds a password."""

    dialect: str
    shown: str
    path: Path | None = None
    driver_url: str = ""


def read_url(url: str, *, base: Path | None = None) -> StoreUrl:
    """Read `sqlite:///relative.db`, `sqlite:////absolute.db` or `postgresql://user@host/db`; relative paths start at `base`.

    Raises `ConfigError` (path `store.url`) for anything else, the in-memory SQLite included: a store is durable.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        return _sqlite(url, rest, base)
    if scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        return StoreUrl(dialect="postgresql", shown=_without_password(url), driver_url=f"postgresql+psycopg://{rest}")
    raise ConfigError(
        f"store.url names the scheme {scheme!r}, and only sqlite and postgresql are known",
        path="store.url",
        hint='for example "sqlite:///.symbi/symbi.db" or "postgresql://user@host/db"',
    )


def _sqlite(url: str, rest: str, base: Path | None) -> StoreUrl:
    name = unquote(rest[1:].partition("?")[0]) if rest.startswith("/") else ""
    if not name or name == ":memory:":
        raise ConfigError(
            f"store.url {url!r} names no file, and a store in memory would lose what it acknowledged",
            path="store.url",
            hint='for example "sqlite:///.symbi/symbi.db"',
        )
    path = Path(name).expanduser()
    if not path.is_absolute():
        path = (base or Path.cwd()) / path
    return StoreUrl(dialect="sqlite", shown=f"sqlite:///{path}", path=path)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if ":" in user:
        user = user.partition(":")[0] + ":***"
    return urlunsplit((parts.scheme, f"{user}{at}{host}", parts.path, "", ""))
