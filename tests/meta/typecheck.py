"""`python -m tests.meta.typecheck`: mypy strict over core and every plugin, each with its own package as the root."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run mypy once over all packages; return its exit code."""
    packages = [ROOT / "core" / "src" / "symbi", *sorted((ROOT / "plugins").glob("*/src/symbi_*"))]
    return subprocess.run(
        [sys.executable, "-m", "mypy", *map(str, packages), *sys.argv[1:]], cwd=ROOT, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
