"""Settings: `symbi.toml` and the environment become frozen structs; every error names the full path in the file."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from symbi.contracts.errors import ConfigError
from symbi.contracts.secret import Secret

__all__ = ["CORE_TABLES", "PluginsSettings", "Settings", "StoreSettings", "decode_secret", "load_settings"]

C = TypeVar("C")
CORE_TABLES = frozenset({"server", "auth", "store", "plugins"})
_OVERRIDE = "SYMBI__"
_UNKNOWN = re.compile(r"unknown field `(?P<field>[^`]+)`(?: - at `\$(?P<path>[^`]*)`)?")
_AT = re.compile(r" - at `\$(?P<path>[^`]*)`$")


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[store]`: where the records are kept."""

    url: str = ""
    """`sqlite:///PATH` or `postgresql://user@host/db`; empty means `symbi.db` in the data directory."""


class PluginsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[plugins]`: which plugins are imported and how long one may take to open; beside it one table per plugin."""

    disabled: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    open_timeout_seconds: float = 20.0


class Settings:
    """The settings of one start: the raw tables, the environment, and typed access that blames precisely."""

    def __init__(
        self,
        tables: Mapping[str, Any],
        *,
        data_dir: Path,
        file: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.tables = dict(tables)
        self.data_dir = data_dir
        self.file = file
        self.environ = dict(os.environ if environ is None else environ)
        plugins = self.tables.get("plugins", {})
        if not isinstance(plugins, dict):
            raise self._error("expected a table", "plugins")
        own = {key: value for key, value in plugins.items() if key in PluginsSettings.__struct_fields__}
        self.plugins = self._convert(own, PluginsSettings, "plugins")
        self.store = self.section("store", StoreSettings)

    @property
    def folder(self) -> Path:
        """Return the folder that relative paths in the settings are relative to: the file's, else the working directory."""
        return self.file.parent if self.file else Path.cwd()

    def section(self, path: str, kind: type[C]) -> C:
        """Return the table at a dotted path (`server`, `plugins.slack`) as `kind`; missing means empty.

        Raises `ConfigError` with the full path of what is wrong and what was expected.
        """
        return self._convert(self.raw(path), kind, path)

    def raw(self, path: str) -> Any:
        """Return the table at a dotted path as it was read, with `{ env = "NAME" }` in place; missing means empty."""
        value: Any = self.tables
        for part in path.split("."):
            value = value.get(part, {}) if isinstance(value, dict) else {}
        return value

    def mentions(self, path: str) -> bool:
        """Tell whether the file has the table."""
        return bool(self.raw(path))

    def decode(self, value: Any, kind: type[C], path: str) -> C:
        """Return a value that did not come from the file (a request's body, say) as `kind`; raises `ConfigError` as `section` does."""
        return self._convert(value, kind, path)

    def check_tables(self, known: Iterable[str], plugin_tables: Iterable[str]) -> None:
        """Refuse tables that nobody reads; `known` are top-level names, `plugin_tables` names below `[plugins]`."""
        known = set(known) | CORE_TABLES
        for name in self.tables:
            if name not in known:
                raise self._error(
                    f"no installed plugin reads the table [{name}]{_meant(name, known)}",
                    name,
                    hint=f"correct its name, install the plugin that reads it (pip install symbi-{name}), or remove it",
                )
        plugin_tables = set(plugin_tables)
        for name, value in self.tables.get("plugins", {}).items():
            if name in PluginsSettings.__struct_fields__:
                continue
            if not isinstance(value, dict):
                raise self._error(
                    f"unknown setting{_meant(name, PluginsSettings.__struct_fields__)}", f"plugins.{name}"
                )
            if name not in plugin_tables and name not in self.plugins.disabled:
                raise self._error(
                    f"no installed plugin reads the table [plugins.{name}]{_meant(name, plugin_tables)}",
                    f"plugins.{name}",
                    hint=f"correct its name, install the plugin that reads it (pip install symbi-{name}), or remove it",
                )

    def _convert(self, raw: Any, kind: type[C], path: str) -> C:
        try:
            return msgspec.convert(self._resolve(raw, path), kind, dec_hook=decode_secret)
        except msgspec.ValidationError as error:
            raise self._explain(str(error), kind, path) from None

    def _resolve(self, value: Any, path: str) -> Any:
        if isinstance(value, dict):
            if set(value) == {"env"} and isinstance(value["env"], str):
                found = self.environ.get(value["env"])
                if found is None:
                    raise self._error(
                        f"the environment variable {value['env']} is not set",
                        path,
                        hint=f"export {value['env']}=… or change the setting",
                    )
                return found
            return {key: self._resolve(each, f"{path}.{key}") for key, each in value.items()}
        return (
            [self._resolve(each, f"{path}[{index}]") for index, each in enumerate(value)]
            if isinstance(value, list)
            else value
        )

    def _explain(self, text: str, kind: Any, path: str) -> ConfigError:
        unknown = _UNKNOWN.search(text)
        if unknown:
            inner = f"{path}{unknown['path'] or ''}.{unknown['field']}"
            fields = getattr(kind, "__struct_encode_fields__", ()) if not unknown["path"] else ()
            return self._error(f"unknown setting{_meant(unknown['field'], fields)}", inner)
        at = _AT.search(text)
        return self._error(_AT.sub("", text), f"{path}{at['path'] if at else ''}")

    def _error(self, message: str, path: str, *, hint: str | None = None) -> ConfigError:
        where = f"{self.file.name}: " if self.file else ""
        return ConfigError(f"{where}{path}: {message}", path=path, hint=hint)


def load_settings(
    config: Path | None = None, *, data_dir: Path | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Read the settings: `config`, else `SYMBI_CONFIG`, else `symbi.toml` in the working directory, else defaults.

    A `.env` beside the file is read for names that the environment lacks. `SYMBI__TABLE__FIELD=value` overrides one setting (value in TOML, else
    text). The data directory is `data_dir`, `SYMBI_DATA_DIR`, or `.symbi` beside the file. Raises `ConfigError`.
    """
    environ = dict(os.environ if environ is None else environ)
    if config is None and environ.get("SYMBI_CONFIG"):
        config = Path(environ["SYMBI_CONFIG"])
    named = config is not None
    file = (config or Path("symbi.toml")).absolute()
    tables: dict[str, Any] = {}
    if file.is_file():
        tables = _read(file)
    elif named:
        raise ConfigError(f"{file}: no such file", path="", hint="symbi init writes one")
    else:
        file = None  # type: ignore[assignment]  # from here on None means: no file
    folder = file.parent if file else Path.cwd()
    environ = {**_dotenv(folder / ".env"), **environ}
    _override(tables, environ)
    chosen = data_dir or (Path(environ["SYMBI_DATA_DIR"]) if environ.get("SYMBI_DATA_DIR") else folder / ".symbi")
    return Settings(tables, data_dir=chosen.absolute(), file=file, environ=environ)


def decode_secret(kind: type, value: Any) -> Any:
    """Decode a `Secret` or a `Path` field from text (msgspec `dec_hook`)."""
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise TypeError(f"Expected a text{' or { env = … }' if kind is Secret else ''}, got {type(value).__name__}")


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{file}: cannot be read: {error}", hint="check its permissions and that it is UTF-8 text"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: is not valid TOML: {error}", hint="mend the line it names") from None


def _dotenv(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(file, interpolate=False).items() if value is not None}


def _override(tables: dict[str, Any], environ: Mapping[str, str]) -> None:
    for name, text in environ.items():
        if not name.startswith(_OVERRIDE):
            continue
        *parents, last = name[len(_OVERRIDE) :].lower().split("__")
        table = tables
        for parent in parents:
            table = table.setdefault(parent, {})
        try:
            table[last] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            table[last] = text


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
