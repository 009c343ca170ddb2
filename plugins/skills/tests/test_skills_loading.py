"""Skills as agents load them (requirement 16): strict frontmatter, refusal, the scanned bytes, the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from symbi.contracts.errors import Forbidden, InvalidRequest, NotFound
from symbi.contracts.scanner import Pattern, ScannerRule, ScannerRuleSource
from symbi_skills.loader import SkillLoader
from symbi_skills.scanner import SkillScanner
from symbi_skills.skill import read_skill

GOOD = "---\nname: pdf-tools\ndescription: Fills forms.\nlicense: MIT\nallowed-tools: Read Bash\nmetadata:\n  author: me\n  version: 1\n---\n\n# How\n"
RULE = ScannerRule(
    id="evil", category="custom", severity="critical", message="m", check=Pattern("evil"), bad=("evil",), good=()
)


def scanner() -> SkillScanner:
    return SkillScanner([ScannerRuleSource(plugin="test", rule=RULE)])


def make(base: Path, name: str = "pdf-tools", text: str = GOOD) -> Path:
    folder = base / name
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(text)
    return folder


def test_frontmatter_is_read() -> None:
    skill = read_skill(GOOD.encode(), folder="pdf-tools")
    assert (skill.name, skill.description, skill.license) == ("pdf-tools", "Fills forms.", "MIT")
    assert skill.allowed_tools == ("Read", "Bash")
    assert skill.metadata == {"author": "me", "version": "1"}
    assert skill.instructions == "\n# How\n"
    assert read_skill(("\ufeff" + GOOD.replace("\n", "\r\n")).encode(), folder="pdf-tools").name == "pdf-tools"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("# no frontmatter", "does not begin with frontmatter"),
        ("---\nname: x\n", "does not begin with frontmatter"),
        ("---\ndescription: d\n---\n", "name is missing"),
        ("---\nname: pdf-tools\n---\n", "description is missing"),
        ("---\nname: PDF\ndescription: d\n---\n", "lower-case"),
        ("---\nname: other\ndescription: d\n---\n", "name of the folder"),
        ("---\nname: pdf-tools\ndescription: 3\n---\n", "description must be a text"),
        (f"---\nname: pdf-tools\ndescription: {'d' * 1025}\n---\n", "longer than 1024"),
        ("---\nname: pdf-tools\nname: pdf-tools\ndescription: d\n---\n", "stands twice"),
        ("---\na: &a [1]\nb: *a\n---\n", "aliases"),
        ("---\nname: !!python/object:os.system x\n---\n", "no plain YAML"),
        ("---\n- 1\n---\n", "no table"),
    ],
)
def test_broken_frontmatter_says_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(InvalidRequest, match=why):
        read_skill(text.encode(), folder="pdf-tools")


def test_a_skill_that_passes_is_given_with_the_scanned_bytes(tmp_path: Path) -> None:
    folder = make(tmp_path)
    (folder / "run.py").write_text("print(1)\n")
    loaded = SkillLoader(scanner(), (tmp_path,)).load(folder)
    (folder / "run.py").write_text("evil\n")
    assert loaded.files["run.py"] == b"print(1)\n"
    assert loaded.skill.name == "pdf-tools"


def test_a_skill_that_fails_is_refused_and_recorded(tmp_path: Path) -> None:
    folder = make(tmp_path / "skills")
    (folder / "run.py").write_text("evil\n")
    loader = SkillLoader(scanner(), (tmp_path / "skills",), quarantine=tmp_path / "quarantine")
    with pytest.raises(Forbidden, match="first evil") as caught:
        loader.load(folder)
    assert caught.value.error_code == "SKILL_REFUSED"
    assert len(list((tmp_path / "quarantine").iterdir())) == 1


def test_results_are_kept_until_content_or_rules_change(tmp_path: Path) -> None:
    folder = make(tmp_path)
    subject = scanner()
    loader = SkillLoader(subject, (tmp_path,))
    first = loader.load(folder).result
    assert loader.load(folder).result is first
    (folder / "more.txt").write_text("x")
    second = loader.load(folder).result
    assert second is not first
    subject.add_custom_rule("new-rule", "How", "high", "m")
    with pytest.raises(Forbidden):
        loader.load(folder)


def test_two_different_skills_never_share_a_digest(tmp_path: Path) -> None:
    loader = SkillLoader(scanner(), (tmp_path,))
    one, two = make(tmp_path / "1"), make(tmp_path / "2")
    (one / "ab").write_text("c")
    (two / "a").write_text("bc")
    assert loader.load(one).digest != loader.load(two).digest


def test_a_link_out_of_the_skill_refuses_it(tmp_path: Path) -> None:
    folder = make(tmp_path / "s")
    (tmp_path / "secret").write_text("x")
    (folder / "x").symlink_to(tmp_path / "secret")
    with pytest.raises(Forbidden, match="symlink-outside"):
        SkillLoader(scanner(), (tmp_path,)).load(folder)


def test_skills_are_found_in_order_and_by_name(tmp_path: Path) -> None:
    make(tmp_path / "a", "beta")
    make(tmp_path / "a", "alpha")
    make(tmp_path / "b", "alpha")
    (tmp_path / "a" / "no-skill").mkdir()
    loader = SkillLoader(scanner(), (tmp_path / "a", tmp_path / "b", tmp_path / "missing"))
    assert [folder.name for folder in loader.folders()] == ["alpha", "beta"]
    assert loader.find("alpha") == tmp_path / "a" / "alpha"
    with pytest.raises(NotFound, match="gamma"):
        loader.find("gamma")
