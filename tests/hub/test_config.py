"""`hub.toml`: what it may say, and what is said of one that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from capas.errors import Invalid
from capas.hub.config import Config, read_config
from capas.hub.records.place import DatabaseConfig, database_url


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "hub.toml"
    path.write_text(text)
    return path


def test_a_hub_without_a_file_has_the_defaults(tmp_path: Path) -> None:
    assert read_config(tmp_path, None, {}) == Config()


def test_the_file_in_the_root_is_read(tmp_path: Path) -> None:
    written(tmp_path, '[server]\nhost = "0.0.0.0"\nport = 80\n')
    assert read_config(tmp_path, None, {}).server.host == "0.0.0.0"


def test_a_file_that_was_named_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="there is no file"):
        read_config(tmp_path, tmp_path / "other.toml", {})


def test_a_text_may_name_variables_of_the_environment(tmp_path: Path) -> None:
    file = written(tmp_path, '[storage]\nurl = "s3://${BUCKET}/hub"\noptions = { endpoint = "${AT}" }\n')
    storage = read_config(tmp_path, file, {"BUCKET": "images", "AT": "http://s3"}).storage
    assert (storage.url, storage.options) == ("s3://images/hub", {"endpoint": "http://s3"})


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="BUCKET"):
        read_config(tmp_path, written(tmp_path, '[storage]\nurl = "s3://${BUCKET}"\n'), {})


def test_a_secret_may_be_in_a_file_of_its_own(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("sesame\n")
    file = written(tmp_path, f'[database]\nurl = "postgresql://me@db/capas"\npassword_file = "{secret}"\n')
    database = read_config(tmp_path, file, {}).database
    assert database_url(database, tmp_path) == "postgresql+psycopg://me:sesame@db/capas"


def test_a_secret_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"/nowhere, named by password_file"):
        read_config(tmp_path, written(tmp_path, '[database]\npassword_file = "/nowhere"\n'), {})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[server\n", "is not TOML"),
        ("[sever]\n", "unknown field `sever`"),
        ('[server]\nport = "http"\n', r"Expected `int`, got `str` - at `\$.server.port`"),
        ("[database]\nuri = 1\n", "unknown field `uri`"),
    ],
)
def test_what_no_hub_knows_is_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        read_config(tmp_path, written(tmp_path, text), {})


@pytest.mark.parametrize("url", ["mysql://db/capas", "db/capas"])
def test_another_kind_of_database_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(Invalid, match="sqlite:///FILE or postgresql://"):
        database_url(DatabaseConfig(url), tmp_path)
