"""Models of files, paths and other sources: what a read, a join or a resolve gives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from symbi_static.flow import guards
from symbi_static.flow.fold import join_text
from symbi_static.flow.library import (
    ARCHIVE_NAMES,
    CREDENTIAL_PATHS,
    FILE_ATTRS,
    FILE_READ,
    SOCKET_RECEIVE,
    is_network,
)
from symbi_static.flow.values import (
    HOLE,
    UNKNOWN,
    Trace,
    Val,
    constant,
    shape_of,
    tainted,
)
from symbi_static.ir.nodes import Attr

if TYPE_CHECKING:
    from symbi_static.flow.machine import Site

__all__ = ["is_secret_path", "path_text", "paths", "sources"]

_RESOLVERS = frozenset(
    {
        "os.path.realpath",
        "os.path.abspath",
        "os.path.normpath",
        "path.resolve",
        "path.normalize",
        "fs.realpathSync",
        "fs.realpath",
        "fs.promises.realpath",
    }
)
_JOINERS = frozenset({"os.path.join", "posixpath.join", "ntpath.join", "path.join", "path.resolve", "path.posix.join"})
_PATHS = frozenset(
    {"pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "Path", "anyio.Path", "pathlib.PurePosixPath"}
)
_PATH_KEEPS = frozenset(
    {"expanduser", "absolute", "with_suffix", "joinpath", "relative_to", "as_posix", "with_name", "resolve"}
)


def path_text(value: Val) -> str:
    """The outline of a path, with `~` for the home folder."""
    return shape_of(value)


def is_secret_path(value: Val) -> bool:
    """Whether a path names a place where credentials live."""
    return bool(CREDENTIAL_PATHS.search(path_text(value)))


def sources(site: Site) -> Val | None:
    first = site.arg(0, "url", "path", "file") or Val()
    line = site.call.line
    if SOCKET_RECEIVE.search(site.ref):
        return tainted("sock", line, f"bytes received by `{site.name}`", ref=f"{site.ref}()")
    if is_network(site.ref, shape_of(first)) or (
        len(site.args) > 1 and site.name == "request" and is_network(site.ref, shape_of(site.args[1]))
    ):
        return tainted("net", line, f"answer of `{site.ref}`", ref=f"{site.ref}()", tags=frozenset({"response"}))
    if site.ref in ("input", "raw_input", "prompt", "readline"):
        return tainted("input", line, "interactive input")
    if ARCHIVE_NAMES.search(site.ref) or (
        site.name in ("infolist", "namelist", "getmembers", "getEntries") and not site.args
    ):
        return tainted("archive", line, "names inside an archive", ref=f"{site.ref}()")
    if site.ref in (
        "keyring.get_password",
        "keytar.getPassword",
        "keytar.findCredentials",
        "browser_cookie3.chrome",
        "browser_cookie3.firefox",
        "browser_cookie3.load",
        "win32crypt.CryptUnprotectData",
        "secretstorage.get_default_collection",
    ):
        return tainted("secret", line, f"credential store `{site.ref}`", ref=f"{site.ref}()")
    if FILE_READ.match(site.ref) or (site.name in ("read_text", "read_bytes") and site.base is not None):
        return _opened(site)
    if FILE_ATTRS.match(site.ref) or site.name in ("iterdir", "rglob"):
        where = site.base if site.base is not None and _is_path(site.base) else first
        ref = "pathlib.Path()" if site.name in ("iterdir", "glob", "rglob") else f"{site.ref}()"
        secret = is_secret_path(where)
        label = {"secret": ((line, "files of a credential folder"),)} if secret else {}
        return Val(
            taint={**label, **({} if not where.has("archive") else dict(where.taint))},
            shape=shape_of(where) + "/" + HOLE if secret else None,
            ref=ref,
            tags=where.tags,
        )
    return None


def _is_path(value: Val) -> bool:
    return value.ref.endswith("pathlib.Path()")


def _opened(site: Site) -> Val:
    where = (
        site.base
        if site.base is not None and _is_path(site.base) and site.name in ("read_text", "read_bytes", "open")
        else site.arg(0, "file", "path", "filename") or Val()
    )
    mode_at = 0 if where is site.base else 1
    mode = (site.arg(mode_at, "mode", "flags") or Val()).text() or "r"
    if site.name in ("open", "openSync") and not set(mode) & {"r", "+"} and set(mode) & {"w", "a", "x"}:
        return Val(ref=f"{site.ref}()", tags=frozenset({"writes"}), shape=None, fields={"$path": where})
    line = site.call.line
    taint: dict[str, Trace] = {"file": ((line, f"content of a file opened by `{site.name}`"),)}
    if is_secret_path(where):
        taint["secret"] = ((line, "content of a credential file"),)
    if where.has("secret"):
        taint["secret"] = (*where.trace("secret"), (line, f"read by `{site.name}`"))
    chosen = frozenset({"chosen-file"}) if where.has("input", "archive") else frozenset()
    return Val(taint=taint, ref=f"{site.ref}()", shape=HOLE, tags=chosen)


def paths(site: Site) -> Val | None:
    if site.ref in _JOINERS and site.args:
        mixed: list[Val] = []
        for position, arg in enumerate(site.args):
            mixed.extend([constant("/"), arg] if position else [arg])
        joined = join_text(mixed)
        tags = frozenset({"resolved"}) if site.ref == "path.resolve" else frozenset()
        return replace(
            joined,
            ref="joined()",
            tags=(joined.tags - {"resolved", "own-source"} if len(site.args) > 1 else joined.tags) | tags,
        )
    if site.ref in ("os.path.dirname", "path.dirname") and site.args:
        return replace(site.args[0], const=UNKNOWN, tags=site.args[0].tags - {"own-source"})
    if site.ref in _RESOLVERS and site.args:
        return replace(site.args[0], tags=site.args[0].tags | {"resolved"}, ref="joined()", const=site.args[0].const)
    if site.ref in _PATHS:
        joined = (
            join_text([part for arg in site.args for part in (constant("/"), arg)][1:]) if site.args else constant(".")
        )
        return replace(joined, ref="pathlib.Path()", tags=frozenset().union(*(arg.tags for arg in site.args)))
    if site.base is not None and _is_path(site.base) and site.name in _PATH_KEEPS:
        if site.name == "joinpath":
            joined = join_text([site.base, *[part for arg in site.args for part in (constant("/"), arg)]])
            return replace(joined, ref="pathlib.Path()", tags=site.base.tags - {"resolved"})
        if site.name == "relative_to" and "resolved" in site.base.tags and isinstance(site.call.fn, Attr):
            key = guards.key_of(site.call.fn.obj)
            if key:
                guards.narrow(site.scope, frozenset({(key, "path")}))
        return replace(site.base, tags=site.base.tags | ({"resolved"} if site.name == "resolve" else set()))
    if site.ref in ("os.path.commonpath", "os.path.commonprefix", "os.path.relpath", "path.relative"):
        keys = [key for node in site.call.args for key in _keys(node) if key]
        resolved = any("resolved" in value.tags for value in site.everything())
        return Val(
            ref=f"{site.ref}()",
            about=frozenset(keys) if resolved and not site.ref.endswith("commonprefix") else frozenset(),
        )
    if site.ref in (
        "tempfile.mkdtemp",
        "tempfile.TemporaryDirectory",
        "tempfile.NamedTemporaryFile",
        "tempfile.mkstemp",
        "tempfile.gettempdir",
        "fs.mkdtempSync",
        "fs.mkdtemp",
        "fs.promises.mkdtemp",
        "os.tmpdir",
        "tempfile.TemporaryFile",
    ):
        return Val(ref=f"{site.ref}()", shape="<tmp>", tags=frozenset({"own-temp"}))
    return None


def _keys(node: object) -> list[str | None]:
    items = getattr(node, "items", None)
    return [guards.key_of(item) for item in items] if isinstance(items, list) else [guards.key_of(node)]  # type: ignore[arg-type]
