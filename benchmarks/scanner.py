"""The skill scanner: speed beside ripgrep and Cisco's scanner, accuracy by category, and noise over honest code.

`python -m benchmarks.scanner [--megabytes 50] [--engines re2,python] [--cisco /path/to/skill-scanner] [--json]`
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sysconfig
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from symbi.contracts.scanner import Pattern
from symbi_skills.engines import engine as make_engine
from symbi_skills.regex.emit import to_ascii_re
from symbi_skills.regex.parse import parse
from symbi_skills.scanner import SkillScanner

SUFFIXES = (".py", ".json", ".pyi", ".rst", ".txt", ".md", ".toml", ".cfg", ".js", ".c", ".h")
CORPUS = Path(__file__).parents[1] / "plugins" / "clawhavoc" / "tests" / "clawhavoc_corpus.py"


def corpus(limit: int) -> dict[str, bytes]:
    """Return text files of the standard library and the installed packages, in an order that does not depend on the machine's."""
    roots = {sysconfig.get_paths()[name] for name in ("stdlib", "purelib")}
    paths = {
        path
        for root in roots
        for path in Path(root).rglob("*")
        if path.suffix in SUFFIXES and "__pycache__" not in path.parts
    }
    found: dict[str, bytes] = {}
    seen: set[bytes] = set()
    total = 0
    for path in sorted(paths, key=lambda each: hashlib.sha1(str(each).encode()).digest()):
        if path.is_symlink() or not path.is_file() or not 0 < path.stat().st_size <= 1 << 20:
            continue
        content = path.read_bytes()
        digest = hashlib.sha1(content).digest()
        if digest in seen or b"\0" in content:
            continue
        seen.add(digest)
        found[str(path)] = content
        total += len(content)
        if total >= limit:
            break
    return found


def timed(call: Any) -> tuple[float, float, Any]:
    """Return wall seconds, CPU seconds and the answer."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = call()
    return time.perf_counter() - wall, time.process_time() - cpu, answer


def speed(files: dict[str, bytes], engines: list[str]) -> list[dict[str, Any]]:
    """Return one row for each engine: whole scans, cold and warm, and the matcher alone."""
    size = sum(map(len, files.values())) / 1e6
    rows = []
    for name in engines:
        scanner = SkillScanner(engine=name)
        scanner.scan_content("warm")
        runs = [timed(lambda s=scanner: s.scan_files(files, root="")) for _ in range(3 if name != "python" else 1)]
        matcher = scanner.rules_in_force().matcher
        match = min(timed(lambda m=matcher: [m.present(content) for content in files.values()])[1] for _ in range(2))
        tiny = timed(lambda s=scanner: [s.scan_content("---\nname: a\n---\nhello\n") for _ in range(50)])
        rows.append(
            {
                "engine": name,
                "MB": round(size, 1),
                "first MB/s": round(size / runs[0][0], 1),
                "best MB/s": round(size / min(run[0] for run in runs), 1),
                "best MB/s of CPU": round(size / min(run[1] for run in runs), 1),
                "matcher MB/s of CPU": round(size / match, 1),
                "tiny skill ms": round(tiny[0] * 20, 3),
                "findings": len(runs[0][2].findings),
            }
        )
    return rows


def ripgrep(files: dict[str, bytes]) -> dict[str, Any] | None:
    """Return ripgrep's speed with the same expressions, one thread, over the same files on disk."""
    tool = shutil.which("rg")
    if tool is None:
        return None
    rules = SkillScanner().rules_in_force().rules
    texts = [
        to_ascii_re(parse(check.regex, ignore_case=check.ignore_case)).decode()
        for rule in rules
        for check in rule.checks
        if isinstance(check, Pattern)
    ]
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(files.values()):
            Path(folder, f"{number}.txt").write_bytes(content)
        patterns = Path(folder, "patterns")
        patterns.write_text("\n".join(texts) + "\n")
        command = [tool, "-j1", "--no-unicode", "--no-messages", "-c", "-f", str(patterns), "--glob", "*.txt", folder]
        wall, _, answer = timed(lambda: subprocess.run(command, capture_output=True, text=True, check=False))
    size = sum(map(len, files.values())) / 1e6
    if answer.returncode > 1:
        return {"failed": answer.stderr.strip()[:200]}
    return {"MB/s": round(size / wall, 1), "patterns": len(texts), "files with a line": len(answer.stdout.splitlines())}


def cisco(command: str, kilobytes: int = 40) -> dict[str, Any]:
    """Return the time of Cisco's scanner and of ours over one skill of honest Python, both started from the shell."""
    with tempfile.TemporaryDirectory() as folder:
        skill = Path(folder, "bench-skill")
        skill.mkdir()
        (skill / "SKILL.md").write_text(
            "---\nname: bench-skill\ndescription: A skill to measure with.\n---\n\n# Bench\n"
        )
        source = Path(json.__file__).parent.joinpath("decoder.py").read_bytes()
        (skill / "decoder.py").write_bytes((source * (kilobytes * 1000 // len(source) + 1))[: kilobytes * 1000])
        theirs = timed(
            lambda: subprocess.run([command, "scan", str(skill), "--format", "json"], capture_output=True, check=False)
        )[0]
        ours = timed(
            lambda: subprocess.run(["symbi", "scan", str(skill), "--format", "json"], capture_output=True, check=False)
        )[0]
    return {
        "skill kB": kilobytes,
        "cisco s": round(theirs, 2),
        "symbi s": round(ours, 2),
        "ratio": round(theirs / ours, 1),
    }


def accuracy() -> list[dict[str, Any]]:
    """Return precision and recall by category over the labelled corpus."""
    spec = importlib.util.spec_from_file_location("clawhavoc_corpus", CORPUS)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    scanner = SkillScanner()
    category = {rule.id: rule.category for rule in scanner.rules_in_force().rules}
    counts: dict[str, Counter[str]] = {}
    for rule, (bad, good) in module.CASES.items():
        count = counts.setdefault(category[rule], Counter())
        for text, wanted in [*((text, True) for text in bad), *((text, False) for text in good)]:
            found = any(finding.rule == rule for finding in scanner.scan_content(text, "case.txt").findings)
            count["hit" if found and wanted else "miss" if wanted else "false" if found else "quiet"] += 1
    for name, (file, text) in module.DISGUISES.items():
        found = any(finding.rule == "pipe-to-shell" for finding in scanner.scan_content(text, file).findings)
        counts.setdefault("disguises", Counter())["hit" if found else f"miss {name}"] += 1
    return [
        {
            "category": name,
            "cases": sum(count.values()),
            "precision": round(count["hit"] / max(1, count["hit"] + count["false"]), 4),
            "recall": round(
                count["hit"] / max(1, sum(value for key, value in count.items() if key.startswith(("hit", "miss")))), 4
            ),
        }
        for name, count in counts.items()
    ]


def noise(files: dict[str, bytes]) -> dict[str, Any]:
    """Return how many honest files would be blocked, and by what."""
    result = SkillScanner().scan_files(files, root="")
    blocking = [finding for finding in result.findings if finding.severity in ("critical", "high")]
    blocked = len({finding.path for finding in blocking})
    return {
        "files": len(files),
        "blocked": blocked,
        "one in": round(len(files) / max(1, blocked)),
        "by": dict(Counter(finding.rule for finding in blocking)),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=50)
    parser.add_argument("--engines", default="re2")
    parser.add_argument("--cisco", default=os.environ.get("CISCO_SKILL_SCANNER", ""))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    files = corpus(int(given.megabytes * 1e6))
    engines = [name for name in given.engines.split(",") if name and make_engine(name)]
    report: dict[str, Any] = {
        "speed": speed(files, engines),
        "ripgrep": ripgrep(files),
        "accuracy": accuracy(),
        "noise": noise(files),
    }
    if given.cisco:
        report["cisco"] = cisco(given.cisco)
    if given.json:
        print(json.dumps(report, indent=2))
        return
    for name, value in report.items():
        for row in value if isinstance(value, list) else [value]:
            print(
                f"{name}: "
                + ("not installed" if row is None else ", ".join(f"{key} {item}" for key, item in row.items()))
            )


if __name__ == "__main__":
    main()
