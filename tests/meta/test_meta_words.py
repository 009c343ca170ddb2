"""What must not be in the tree: registry addresses, paths of a machine, unfinished work."""

from __future__ import annotations

import re
import subprocess

from house import ROOT

HOSTS = re.compile(r"https?://[^\s\"'`)]*(" + "pypi" + r"|pythonhosted|npmjs|debian)\.(org|com|net)", re.IGNORECASE)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError")
TEXTS = (
    ".py",
    ".md",
    ".toml",
    ".ini",
    ".txt",
    ".cfg",
    ".yml",
    ".yaml",
    ".sh",
    ".html",
    ".js",
    ".css",
    ".symbi",
    ".cedar",
    "",
)


def tracked():
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in names:
        path = ROOT / name
        if path.suffix in TEXTS and path.is_file():
            yield name, path.read_text(encoding="utf-8", errors="replace")


def test_no_registry_is_addressed():
    assert [name for name, text in tracked() if HOSTS.search(text) and "corpus" not in name] == []


def test_nothing_that_ships_is_unfinished():
    bad = []
    for name, text in tracked():
        if name.endswith(".py") and "/src/" in name and "skeleton" not in name:
            bad += [
                f"{name}:{number}"
                for number, line in enumerate(text.splitlines(), 1)
                if UNFINISHED.search(line) and "UNFINISHED" not in line
            ]
    assert bad == []


def test_no_test_is_skipped_without_a_reason():
    bare = re.compile(r"pytest\.mark\.skip(?!if)\b(?!\(reason=)|pytest\.skip\(\)")
    assert [
        name
        for name, text in tracked()
        if name.endswith(".py") and "tests" in name and "test_meta_words" not in name and bare.search(text)
    ] == []
