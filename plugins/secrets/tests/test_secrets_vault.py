"""The encrypted file: what is kept comes back, and nothing that was changed does (SEC-1, SEC-2, SEC-6)."""

from __future__ import annotations

import json
import multiprocessing
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbi.contracts.secret import Secret
from symbi.contracts.secrets import SecretNotFound, SecretStoreUnavailable
from symbi_secrets.vault import Vault

AT = "2026-01-01T00:00:00Z"
NAMES = st.sampled_from(["a", "a/b", "token", "x.y-z"])
VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=60)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), NAMES, VALUES),
        st.tuples(st.sampled_from(["remove", "rotate", "reopen"]), NAMES, st.none()),
    ),
    max_size=15,
)


def put(vault: Vault, name: str, value: str) -> int:
    return vault.set(name, Secret(value), changed_at=AT)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_the_file_holds_what_a_dictionary_would_and_never_in_the_clear(
    steps: list[tuple[str, str, str | None]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        vault, model, versions = Vault(Path(folder), {}), dict[str, str](), dict[str, int]()
        for step, name, value in steps:
            if step == "set" and value is not None:
                model[name], versions[name] = value, versions.get(name, 0) + 1
                assert put(vault, name, value) == versions[name]
            elif step == "remove" and name in model:
                vault.remove(name)
                del model[name]
            elif step == "rotate":
                assert vault.rotate() == len(model)
            elif step == "reopen":
                vault = Vault(Path(folder), {})
            assert {each: vault.get(each).reveal() for each in vault.names()} == model
        for path in Path(folder).iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            for value in model.values():
                assert len(value) < 8 or value.encode() not in path.read_bytes()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_is_never_another_value(at: int, flip: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        vault = Vault(Path(folder), {})
        put(vault, "one", "the first value")
        content = bytearray(vault.path.read_bytes())
        content[at % len(content)] ^= flip
        vault.path.write_bytes(content)
        try:
            assert Vault(Path(folder), {}).get("one").reveal() == "the first value"
        except (SecretNotFound, SecretStoreUnavailable):
            return


def edited(vault: Vault, change: Any) -> Vault:
    content = json.loads(vault.path.read_bytes())
    change(content)
    vault.path.write_text(json.dumps(content))
    return Vault(vault.folder, {})


def test_a_record_of_another_name_or_version_does_not_open(tmp_path: Path) -> None:
    vault = Vault(tmp_path, {})
    put(vault, "one", "the first value")
    put(vault, "two", "the second value")
    other = edited(vault, lambda file: file["secrets"].update(two=file["secrets"]["one"]))
    with pytest.raises(SecretStoreUnavailable, match="does not hold"):
        other.get("two")
    assert other.get("one").reveal() == "the first value"
    with pytest.raises(SecretStoreUnavailable, match="does not hold"):
        edited(vault, lambda file: file["secrets"]["one"].update(version=2)).get("one")


@pytest.mark.parametrize(
    "change",
    [{"algorithm": "AES-128-CBC"}, {"format": "symbi-secrets-v0"}, {"key.kdf": "pbkdf2"}, {"key.master": "../../x"}],
)
def test_a_label_that_nobody_knows_is_refused(tmp_path: Path, change: dict[str, str]) -> None:
    """SEC-2."""
    vault = Vault(tmp_path, {})
    put(vault, "one", "the first value")

    def apply(file: Any) -> None:
        for path, value in change.items():
            target = file["key"] if path.startswith("key.") else file
            target[path.removeprefix("key.")] = value

    with pytest.raises(SecretStoreUnavailable):
        edited(vault, apply).get("one")
    with pytest.raises(SecretStoreUnavailable):
        Vault(tmp_path, {}).set("two", Secret("another"), changed_at=AT) if "key.master" not in change else Vault(
            tmp_path, {}
        ).rotate()


def test_the_operators_key_is_needed_and_can_be_changed(tmp_path: Path) -> None:
    old, new = {"SYMBI_MASTER_KEY": "an old key of the operator"}, {"SYMBI_MASTER_KEY": "a new key of the operator"}
    put(Vault(tmp_path, old), "one", "the first value")
    assert not list(tmp_path.glob("master-*"))
    with pytest.raises(SecretStoreUnavailable, match="is not there"):
        Vault(tmp_path, {}).get("one")
    with pytest.raises(SecretStoreUnavailable, match="does not open"):
        Vault(tmp_path, new).get("one")
    both = {**new, "SYMBI_MASTER_KEY_PREVIOUS": old["SYMBI_MASTER_KEY"]}
    assert Vault(tmp_path, both).rotate() == 1
    assert Vault(tmp_path, new).get("one").reveal() == "the first value"


def test_a_generated_key_gives_way_to_the_operators_and_is_removed(tmp_path: Path) -> None:
    put(Vault(tmp_path, {}), "one", "the first value")
    file = tmp_path / "operator.key"
    file.write_text("a key of the operator\n")
    file.chmod(0o600)
    vault = Vault(tmp_path, {"SYMBI_MASTER_KEY_FILE": str(file)})
    assert (vault.master(), vault.get("one").reveal()) == ("generated", "the first value")
    vault.rotate()
    assert (vault.master(), list(tmp_path.glob("master-*"))) == ("operator", [])
    file.chmod(0o644)
    with pytest.raises(SecretStoreUnavailable, match="readable by others"):
        Vault(tmp_path, {"SYMBI_MASTER_KEY_FILE": str(file)}).get("one")


def test_files_open_to_others_are_refused(tmp_path: Path) -> None:
    vault = Vault(tmp_path, {})
    put(vault, "one", "the first value")
    vault.path.chmod(0o640)
    with pytest.raises(SecretStoreUnavailable, match="chmod 600"):
        Vault(tmp_path, {}).get("one")


def write_many(folder: Path, who: int) -> None:
    for number in range(10):
        put(Vault(folder, {}), f"{who}.{number}", "a value of some length")


def test_writers_of_several_processes_lose_nothing(tmp_path: Path) -> None:
    """SEC-6: the lock file."""
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_many, args=(tmp_path, who)) for who in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
        assert writer.exitcode == 0
    assert Vault(tmp_path, {}).check() == 30


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = Vault(tmp_path, {})
    put(vault, "one", "the first value")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("symbi_secrets.vault.os.fsync", full)
        with pytest.raises(SecretStoreUnavailable, match="No space"):
            put(vault, "one", "the second value")
    assert vault.get("one").reveal() == "the first value"
    assert not (tmp_path / "secrets.new").exists()
