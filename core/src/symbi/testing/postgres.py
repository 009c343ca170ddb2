"""A private PostgreSQL server for tests: made in a temporary folder from Debian's binaries, gone afterwards."""

from __future__ import annotations

import glob
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

__all__ = ["PrivatePostgres", "find_binaries"]


def find_binaries() -> Path | None:
    """Return the folder with `initdb` and `pg_ctl`, the newest version first, or None where PostgreSQL is not installed."""
    found = sorted(
        glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: float(path.split("/")[4]), reverse=True
    )
    on_path = shutil.which("initdb")
    chosen = found[0] if found else on_path
    return Path(chosen).parent if chosen else None


class PrivatePostgres:
    """A server on loopback with trust for everybody on this machine; `url(name)` makes an empty database."""

    def __init__(self, binaries: Path, *, durable: bool = False) -> None:
        self._binaries = binaries
        self._durable = durable
        self._folder = Path(tempfile.mkdtemp(prefix="symbi-pg-"))
        self._count = 0
        self.port = _free_port()

    def start(self) -> None:
        """Make the cluster and start it; raises `subprocess.CalledProcessError` with the server's words."""
        if os.getuid() == 0:
            shutil.chown(self._folder, "postgres", "postgres")
        self._run("initdb", "-D", "data", "-A", "trust", "-U", "symbi", "-N", "-E", "UTF8", "--locale=C")
        self.resume()

    def resume(self) -> None:
        """Start the server again after `stop`."""
        options = f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1 -c max_connections=60"
        if not self._durable:
            options += " -c fsync=off -c full_page_writes=off"
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: `fast`, or `immediate`, which is a crash."""
        self._run("pg_ctl", "-D", "data", "-m", mode, "-w", "stop")

    def url(self, name: str = "") -> str:
        """Create an empty database and return its URL."""
        self._count += 1
        name = name or f"test_{self._count}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "symbi", name)
        return f"postgresql://symbi@127.0.0.1:{self.port}/{name}"

    def remove(self) -> None:
        """Stop the server and delete its folder."""
        try:
            self.stop("immediate")
        except subprocess.CalledProcessError:
            pass  # it runs no more
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *args: str) -> None:
        # The server's own output goes to a file: a pipe would stay open as long as the server lives.
        with (self._folder / f"{program}.out").open("w+") as output:
            done = subprocess.run(
                [self._binaries / program, *args],
                cwd=self._folder,
                user="postgres" if os.getuid() == 0 else None,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                timeout=60,
            )
            if done.returncode:
                output.seek(0)
                raise subprocess.CalledProcessError(done.returncode, program, output.read())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
