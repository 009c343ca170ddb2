"""Files: paths that input chooses, credentials, start-up places, deletion, the tool's own source."""

from __future__ import annotations

import re

from symbi_static.flow.files_model import is_secret_path
from symbi_static.flow.library import FILE_READ, FILE_WRITE, PROGRAMS, SHELL_STRINGS
from symbi_static.flow.machine import Site
from symbi_static.flow.values import Val, shape_of
from symbi_static.rules.collector import Collector

__all__ = ["START_UP", "check_deletion", "check_paths", "check_persistence", "paths_of", "writes"]

START_UP = re.compile(
    r"\.bashrc|\.bash_profile|\.bash_login|\.profile$|\.zshrc|\.zprofile|\.zshenv|config\.fish|\.xinitrc|\.xprofile|etc/rc\.local|etc/profile|etc/cron|var/spool/cron|crontab|\.config/autostart|etc/systemd/system"
    r"|systemd/user|\.config/systemd|LaunchAgents|LaunchDaemons|\.git/hooks|authorized_keys|Start Menu.{0,3}Programs.{0,3}Startup|\\Startup\\|CurrentVersion\\+Run|etc/init\.d|sitecustomize\.py|usercustomize\.py|\.pth$|etc/ld\.so\.preload|\.vscode/tasks\.json|etc/sudoers|\.ssh/rc",  # noqa: E501  # one list, one place
    re.IGNORECASE,
)
_START_UP_COMMANDS = re.compile(
    r"crontab\s+(?:-|/|[^-\s])|systemctl\s+(?:--user\s+)?enable|schtasks\s+/create|launchctl\s+(?:load|bootstrap)|update-rc\.d|reg\s+add\s+\S*\\Run|>>?\s*\S*(?:\.bashrc|\.profile|\.zshrc|authorized_keys)|git\s+config\s+(?:--global\s+)?core\.hooksPath",
    re.IGNORECASE,
)
_WIPES = re.compile(
    r"rm\s+(?:-\w+\s+)*-\w*[rf]\w*\s+(?:-\w+\s+|--no-preserve-root\s+)*[\"']?(?:/(?:\s|\*|$|[\"'])|~|\$HOME|/(?:home|etc|usr|var|boot|root|bin|lib)\b)|mkfs(?:\.\w+)?\s|dd\s+if=\S+\s+of=/dev/|>\s*/dev/sd|format\s+c:|del\s+/[sfq]|rd\s+/s|shred\s|:\(\)\s*\{",
    re.IGNORECASE,
)
_REMOVERS = re.compile(
    r"^(?:shutil\.rmtree|os\.(?:remove|unlink|rmdir|removedirs|truncate)|pathlib\.Path\(\)\.(?:unlink|rmdir)|fs\.(?:promises\.)?(?:rm|rmSync|rmdir|rmdirSync|unlink|unlinkSync)|rimraf(?:\.\w+)?|fs-extra\.(?:remove|removeSync|emptyDir)|send2trash\.send2trash)$"
)
_TREES = re.compile(r"rmtree|rm$|rmSync|rimraf|rmdir|remove|emptyDir|unlink")
_EXTRACTORS = re.compile(r"(?:tarfile\.(?:open|TarFile(?:\.open)?)\(\)|shutil)\.(?:extractall|extract|unpack_archive)$")


def writes(site: Site) -> bool:
    """Whether a call opens or changes a file for writing."""
    if FILE_WRITE.match(site.ref):
        return True
    if site.name in ("open", "openSync") and FILE_READ.match(site.ref):
        mode = (site.arg(0 if site.ref.startswith("pathlib") else 1, "mode", "flags") or Val()).text() or "r"
        return bool(set(mode) & set("wax+")) or mode in ("O_CREAT",)
    return site.name in ("write_text", "write_bytes")


def paths_of(site: Site) -> list[Val]:
    """The arguments of a file call that are paths."""
    found = []
    if site.base is not None and site.base.ref.endswith("pathlib.Path()"):
        found.append(site.base)
        if site.name in ("rename", "replace", "symlink_to"):
            found += site.args[:1]
        return found
    if site.name in ("extractall", "extract", "unpack_archive"):
        return []
    two = site.name in (
        "rename",
        "renameSync",
        "replace",
        "move",
        "copy",
        "copy2",
        "copyfile",
        "copytree",
        "copyFile",
        "copyFileSync",
        "symlink",
        "link",
        "symlinkSync",
    )
    found += site.args[: 2 if two else 1]
    found += [site.named[name] for name in ("file", "path", "src", "dst", "filename") if name in site.named]
    return found


def _touches_files(site: Site) -> bool:
    if site.ref.startswith("tempfile."):
        return False
    return bool(FILE_READ.match(site.ref) or FILE_WRITE.match(site.ref)) or (
        site.name
        in ("read_text", "read_bytes", "write_text", "write_bytes", "send_file", "sendFile", "FileResponse", "unlink")
        and (site.base is not None or bool(site.args))
    )


def check_paths(site: Site, out: Collector) -> None:
    """Paths of input, archives that write where they say, credential files."""
    if _EXTRACTORS.search(site.ref) and (
        site.named.get("filter") is None or site.named["filter"].text() not in ("data", "tar")
    ):
        members = site.named.get("members")
        if members is None:
            out.add("archive-path", f"`{site.ref}` writes members wherever the archive says.", node=site.call)
    if site.ref in ("sqlite3.connect", "aiosqlite.connect") and site.args and is_secret_path(site.args[0]):
        out.add("credential-file", "A store of credentials is opened as a database.", node=site.call)
    if not _touches_files(site):
        return
    for path in paths_of(site):
        if path.unsafe("path", "archive"):
            out.add(
                "archive-path",
                "The name of an archive member is used as a path.",
                node=site.call,
                trace=path.trace("archive"),
            )
        elif path.unsafe("path", "input", "net", "sock"):
            out.add(
                "path-from-input",
                f"`{site.name}` uses a path that input chooses.",
                node=site.call,
                trace=path.trace("input", "net", "sock"),
            )
        copied = site.name.startswith("copy") and path is paths_of(site)[0]
        if is_secret_path(path) and (copied or not writes(site)):
            out.add("credential-file", "A credential file is read.", node=site.call)
        if writes(site) and re.search(
            r"\.semgrepignore|\.banditignore|\.secrets\.baseline|\.snyk$|\.guarddogignore", shape_of(path)
        ):
            out.add("ignore-file", "A scanner's ignore file is written.", node=site.call)


def check_persistence(site: Site, out: Collector) -> None:
    """Start-up files, timers, hooks; the tool's own source."""
    if _touches_files(site) and writes(site):
        for path in paths_of(site):
            if START_UP.search(shape_of(path)):
                out.add("start-up-entry", "A start-up place is written.", node=site.call)
            if "own-source" in path.tags or path.ref in ("__file__", "__filename"):
                out.add("rewrites-itself", "The tool writes over its own source.", node=site.call)
    text = _command_text(site)
    if text and (
        _START_UP_COMMANDS.search(text)
        or (START_UP.search(text) and re.search(r">>?|\btee\b|\bcp\b|\bmv\b|\bln\b|sed\s+-i", text))
    ):
        out.add("start-up-entry", "A command installs a start-up entry.", node=site.call)
    if site.ref in ("winreg.SetValueEx", "_winreg.SetValueEx", "winreg.CreateKey", "winreg.CreateKeyEx") and any(
        "Run" in shape_of(v) for v in site.args
    ):
        out.add("start-up-entry", "A registry start-up key is set.", node=site.call)
    if site.ref.startswith(("crontab.CronTab()", "CronTab()")) and site.name in ("new", "write"):
        out.add("start-up-entry", "A timer is installed.", node=site.call)


def _command_text(site: Site) -> str:
    if not (SHELL_STRINGS.match(site.ref) or PROGRAMS.match(site.ref)):
        return ""
    first = site.arg(0, "args", "cmd", "command")
    if first is None:
        return ""
    parts = (
        list(first.items)
        if first.items is not None
        else [first, *[item for value in site.args[1:2] for item in (value.items or ())]]
    )
    return " ".join(shape_of(part) for part in parts)


def check_deletion(site: Site, out: Collector) -> None:
    """Deletion outside the tool's own folders, and commands that wipe."""
    text = _command_text(site)
    if text and _WIPES.search(text):
        out.add("wipes-system", "A command destroys files outside the tool's folders.", node=site.call)
    if not _REMOVERS.match(site.ref):
        return
    for path in paths_of(site):
        outline = shape_of(path) if path.shape is not None or path.const is not None else ""
        if "own-temp" in path.tags or path.has("archive"):
            continue
        if (
            path.unsafe("path", "input")
            and _TREES.search(site.name)
            and site.name not in ("unlink", "remove", "unlinkSync")
        ):
            out.add(
                "deletes-outside",
                f"`{site.ref}` deletes a tree that input names.",
                node=site.call,
                trace=path.trace("input"),
            )
        elif re.match(r"^(?:~|/(?!tmp/|var/tmp/)|[A-Za-z]:\\)", outline) and not _own(outline):
            whole = re.match(r"^(?:~/?|/|[A-Za-z]:\\)\*?$", outline) is not None
            out.add(
                "wipes-system" if whole else "deletes-outside",
                f"`{site.ref}` deletes outside the tool's own folder.",
                node=site.call,
            )
        elif "home" in path.tags:
            out.add("deletes-outside", f"`{site.ref}` deletes inside the home folder.", node=site.call)


def _own(outline: str) -> bool:
    return bool(re.search(r"/(?:tmp|temp|cache|\.cache)/", outline))
