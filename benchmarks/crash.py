"""Kills a runtime many times at random moments and checks that nothing acknowledged was lost and nothing was done twice.

`python -m benchmarks.crash [--kills 200] [--seed 0]`: each kill is a SIGKILL of a whole runtime (store, engine, warden link) over SQLite while runs are
started, carried out and ended; the last life finishes what is left.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).parents[1] / "plugins" / "runs" / "tests"
sys.path.insert(0, str(TESTS))


def main() -> None:
    """Kill, check, print; exit code 1 when anything was lost or doubled."""
    import crash_harness
    import runs_stand_ins  # noqa: F401  # imported before the forks, so that each life starts fast
    import sqlalchemy.dialects.sqlite  # noqa: F401

    import symbi_process.executor  # noqa: F401
    import symbi_runs.service  # noqa: F401

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = crash_harness.crash(Path(folder), kills=asked.kills, seed=asked.seed)
    time.sleep(1.0)
    left = crash_harness.agent_processes()
    print(f"kills                         {report.kills} in {time.monotonic() - began:.0f} s")
    print(f"runs acknowledged             {report.acknowledged}")
    print(f"ends                          {dict(report.statuses)}")
    print(f"taken up after a crash        {report.retries} times")
    print(f"of unknown outcome            {sum(report.codes.values())} (effects that may not be repeated)")
    print(f"processes left behind         {len(left)}")
    print(f"lost, doubled or damaged      {len(report.faults)}")
    for fault in report.faults[:20]:
        print(f"  {fault}")
    sys.exit(1 if report.faults or left else 0)


if __name__ == "__main__":
    main()
