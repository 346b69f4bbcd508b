"""Secrets in the records are encrypted with a key that is not there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from capas.errors import Corrupt, Denied, Invalid
from capas.hub.seal import Seal, SecretsConfig


def seal_in(root: Path, key: str = "") -> Seal:
    return Seal(root / "secrets.key", SecretsConfig(key))


def test_a_secret_comes_back_after_a_restart(tmp_path: Path) -> None:
    sealed = seal_in(tmp_path).close("contraseña")
    assert "contraseña".encode() not in sealed
    assert seal_in(tmp_path).open(sealed) == "contraseña"


def test_the_key_is_readable_by_the_hub_alone(tmp_path: Path) -> None:
    seal_in(tmp_path).close("secret")
    assert [(file.name, file.stat().st_mode & 0o777) for file in tmp_path.iterdir()] == [("secrets.key", 0o600)]


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    sealed = seal_in(tmp_path).close("secret")
    (tmp_path / "secrets.key").chmod(0o644)
    with pytest.raises(Denied, match="others can read"):
        seal_in(tmp_path).open(sealed)


def test_hubs_that_begin_at_once_agree_on_a_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda n: seal_in(tmp_path).close(str(n)), range(8)))
    assert [seal_in(tmp_path).open(one) for one in sealed] == [str(n) for n in range(8)]


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    sealed = seal_in(tmp_path).close("secret")
    with pytest.raises(Corrupt, match="another key"):
        seal_in(tmp_path, Fernet.generate_key().decode()).open(sealed)


def test_an_older_key_still_opens_and_the_first_one_closes(tmp_path: Path) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    sealed = seal_in(tmp_path, old).close("secret")
    both = seal_in(tmp_path, f"{new}\n{old}")
    assert both.open(sealed) == "secret"
    assert seal_in(tmp_path, new).open(both.close("secret")) == "secret"


@pytest.mark.parametrize("key", ["short", "é" * 44, "A" * 43])
def test_what_is_no_key_is_said(tmp_path: Path, key: str) -> None:
    with pytest.raises(Invalid, match=r"\[secrets\] key holds no key"):
        seal_in(tmp_path, key).close("secret")
