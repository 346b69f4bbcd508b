"""Settings: what the environment and config.toml say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from capas.errors import Invalid
from capas.settings import RegistrySettings, load_settings


def config(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return {"CAPAS_CONFIG": str(path), "HOME": str(tmp_path)}


def nothing(tmp_path: Path) -> dict[str, str]:
    return {"CAPAS_CONFIG": str(tmp_path / "none.toml"), "HOME": str(tmp_path)}


def test_nothing_said_gives_defaults(tmp_path: Path) -> None:
    settings = load_settings(nothing(tmp_path))
    assert (settings.snapshotter, settings.runtime, settings.max_downloads) == (None, None, 4)
    assert settings.docker_config == tmp_path / ".docker" / "config.json"
    assert settings.registry("docker.io") == RegistrySettings()
    assert (settings.proxies, settings.source_date_epoch, settings.language) == ({}, None, "en")


def test_roots_depend_on_who_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert load_settings(nothing(tmp_path)).root == Path("/var/lib/capas")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    user = load_settings({**nothing(tmp_path), "XDG_RUNTIME_DIR": "/run/user/1000"})
    assert (user.root, user.run_root) == (tmp_path / ".local/share/capas", Path("/run/user/1000/capas"))
    assert load_settings({**nothing(tmp_path), "XDG_DATA_HOME": "/d"}).root == Path("/d/capas")


def test_the_file_is_read(tmp_path: Path) -> None:
    settings = load_settings(
        config(
            tmp_path,
            'root = "/r"\nsnapshotter = "copy"\nruntime = "runc"\nmax_downloads = 9\nbuild_ca_bundle = "/ca"\n'
            '[registries."docker.io"]\nmirrors = ["http://localhost:5000"]\ninsecure = true\nca_bundle = "/x.pem"\n',
        )
    )
    assert (settings.root, settings.snapshotter, settings.runtime) == (Path("/r"), "copy", "runc")
    assert (settings.max_downloads, settings.build_ca_bundle) == (9, Path("/ca"))
    assert settings.registry("docker.io") == RegistrySettings(("http://localhost:5000",), True, Path("/x.pem"))


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    env = config(tmp_path, 'root = "/r"\nsnapshotter = "copy"\nruntime = "runc"\n')
    settings = load_settings({**env, "CAPAS_ROOT": "/e", "CAPAS_SNAPSHOTTER": "overlay", "CAPAS_RUNTIME": "crun"})
    assert (settings.root, settings.snapshotter, settings.runtime) == (Path("/e"), "overlay", "crun")


def test_mirrors_and_insecure_registries_come_from_variables_too(tmp_path: Path) -> None:
    env = config(tmp_path, '[registries."docker.io"]\nmirrors = ["http://a"]\n')
    env |= {"CAPAS_MIRRORS": "docker.io=http://b, ghcr.io=http://c", "CAPAS_INSECURE_REGISTRIES": "host:1, docker.io"}
    settings = load_settings(env)
    assert settings.registry("docker.io") == RegistrySettings(("http://a", "http://b"), True)
    assert settings.registry("ghcr.io").mirrors == ("http://c",)
    assert settings.registry("host:1").insecure


def test_proxies_have_one_name_each_and_lower_case_wins(tmp_path: Path) -> None:
    env = {**nothing(tmp_path), "HTTP_PROXY": "a", "https_proxy": "b", "HTTPS_PROXY": "c", "NO_PROXY": ""}
    assert load_settings(env).proxies == {"http_proxy": "a", "https_proxy": "b"}


def test_docker_config_is_where_docker_looks(tmp_path: Path) -> None:
    assert load_settings({**nothing(tmp_path), "DOCKER_CONFIG": "/dc"}).docker_config == Path("/dc/config.json")


@pytest.mark.parametrize(
    ("name", "value", "language"),
    [("LC_ALL", "es_MX.UTF-8", "es"), ("LANG", "es", "es"), ("LANG", "de_DE", "en"), ("LC_MESSAGES", "ES_es", "es")],
)
def test_the_language_follows_the_locale(tmp_path: Path, name: str, value: str, language: str) -> None:
    assert load_settings({**nothing(tmp_path), name: value}).language == language


def test_the_epoch_is_a_number_of_seconds(tmp_path: Path) -> None:
    assert load_settings({**nothing(tmp_path), "SOURCE_DATE_EPOCH": "1700000000"}).source_date_epoch == 1_700_000_000
    for wrong in ("yesterday", "-1", "1.5", "9" * 30, "٣"):
        with pytest.raises(Invalid, match="SOURCE_DATE_EPOCH"):
            load_settings({**nothing(tmp_path), "SOURCE_DATE_EPOCH": wrong})


@pytest.mark.parametrize(
    "text",
    ["root = ", "root = 5", "max_downloads = 0", "max_downloads = true", 'max_downloads = "4"', "registries = 5",
     "[registries]\nx = 1", '[registries."a"]\nmirrors = "b"', '[registries."a"]\nca_bundle = 1', "\udcff"],
)  # fmt: skip
def test_a_file_that_is_wrong_is_refused_in_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(Invalid):
        load_settings({"CAPAS_CONFIG": str(path), "HOME": str(tmp_path)})


def test_a_config_that_is_a_folder_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot read"):
        load_settings({"CAPAS_CONFIG": str(tmp_path), "HOME": str(tmp_path)})


def test_a_mirror_without_an_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="CAPAS_MIRRORS"):
        load_settings({**nothing(tmp_path), "CAPAS_MIRRORS": "docker.io"})


def test_where_addresses_of_containers_come_from_can_be_said(tmp_path: Path) -> None:
    text = '[network]\nsubnet = "10.9.0.0/16"\npools = [{base = "10.10.0.0/16", size = 24}]\n'
    found = load_settings(config(tmp_path, text)).network
    assert (found.subnet, found.pools) == ("10.9.0.0/16", (("10.10.0.0/16", 24),))
    for wrong in ('subnet = "x"', 'pools = [{base = "10.10.0.0/16"}]', 'pools = [{base = "10.10.0.0/24", size = 16}]'):
        with pytest.raises(Invalid, match=r"network in config\.toml"):
            load_settings(config(tmp_path, f"[network]\n{wrong}\n"))
