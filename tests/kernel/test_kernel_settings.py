"""Settings: typed, with the full path of what is wrong, secrets that do not show, nothing read by nobody."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbi.contracts.errors import ConfigError
from symbi.contracts.secret import Secret
from symbi.kernel.settings import Settings, load_settings


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    size: int = 1


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str = "x"
    seconds: float = 1.0
    token: Secret | None = None
    inner: Inner = Inner()
    many: tuple[Inner, ...] = ()


def settings(tables, **environ):
    return Settings(tables, data_dir=None, environ=environ)


@pytest.mark.parametrize(
    ("tables", "path"),
    [
        ({"t": {"secnds": 2}}, "t.secnds"),
        ({"t": {"seconds": "two"}}, "t.seconds"),
        ({"t": {"inner": {"size": "big"}}}, "t.inner.size"),
        ({"t": {"inner": {"sise": 1}}}, "t.inner.sise"),
        ({"t": {"many": [{"size": 1}, {"size": []}]}}, "t.many[1].size"),
        ({"t": {"token": 5}}, "t.token"),
        ({"t": {"token": {"env": "NOT_SET"}}}, "t.token"),
    ],
)
def test_an_error_names_the_full_path(tables, path):
    with pytest.raises(ConfigError) as caught:
        settings(tables).section("t", Table)
    assert caught.value.path == path
    assert path in caught.value.message


def test_an_unknown_setting_suggests_the_one_that_was_meant():
    with pytest.raises(ConfigError, match="did you mean 'seconds'"):
        settings({"t": {"secnds": 2}}).section("t", Table)


def test_a_secret_comes_from_the_environment_and_does_not_show():
    found = settings({"t": {"token": {"env": "T"}}}, T="hunter22-very-secret").section("t", Table)
    assert found.token.reveal() == "hunter22-very-secret"
    assert "hunter22" not in repr(found) + str(found.token) + f"{found.token}"
    with pytest.raises(TypeError):
        msgspec.json.encode(found)
    import pickle

    with pytest.raises(TypeError):
        pickle.dumps(found.token)


def test_a_table_that_nobody_reads_is_refused_with_the_name_that_was_meant():
    with pytest.raises(ConfigError, match="did you mean 'server'"):
        settings({"servr": {}}).check_tables([], [])
    with pytest.raises(ConfigError, match=r"plugins\.slak.*did you mean 'slack'"):
        settings({"plugins": {"slak": {"a": 1}}}).check_tables([], ["slack"])
    settings({"plugins": {"gone": {"a": 1}, "disabled": ["gone"]}}).check_tables([], [])


def test_the_file_the_dotenv_and_overrides(tmp_path):
    (tmp_path / "symbi.toml").write_text('[server]\nport = 1\n[store]\nurl = "sqlite:///x.db"\n')
    (tmp_path / ".env").write_text("FROM_FILE=1\nBOTH=file\n")
    found = load_settings(
        tmp_path / "symbi.toml",
        environ={"BOTH": "environment", "SYMBI__SERVER__PORT": "9", "SYMBI__SERVER__HOST": "::1"},
    )
    assert found.raw("server") == {"port": 9, "host": "::1"}
    assert (found.environ["FROM_FILE"], found.environ["BOTH"]) == ("1", "environment")
    assert found.data_dir == tmp_path / ".symbi"
    assert (
        load_settings(tmp_path / "symbi.toml", environ={"SYMBI_DATA_DIR": str(tmp_path / "d")}).data_dir
        == tmp_path / "d"
    )


def test_a_named_file_that_is_missing_or_broken_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        load_settings(tmp_path / "none.toml", environ={})
    (tmp_path / "bad.toml").write_text("a = ")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_settings(tmp_path / "bad.toml", environ={})
    (tmp_path / "bin.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path / "bin.toml", environ={})


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_any_content_is_a_table_or_a_config_error(content):
    try:
        settings({"t": content}).section("t", Table)
    except ConfigError as error:
        assert error.path.startswith("t")
