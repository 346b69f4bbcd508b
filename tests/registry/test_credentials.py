"""docker's config.json: found, kept, forgotten; helpers."""

from __future__ import annotations

import base64
import json
import os
import stat
import threading
from pathlib import Path

import pytest

from capas.errors import Invalid, NotFound, Unavailable
from capas.registry.credentials import Credentials, Login

ALI = Login("ali", "open: sesame")
HELPER = """#!/bin/sh
# a helper that keeps one login a server in files beside it, and writes down how it was called
echo "$@" >> "$STORE/calls"
read -r line
case "$1" in
  get) cat "$STORE/login" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
  store) echo "$line" > "$STORE/login" ;;
  erase) rm -f "$STORE/login" ;;
esac
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "docker" / "config.json"


def write(path: Path, document: object) -> Credentials:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document))
    return Credentials(path)


def auth(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


def test_a_login_kept_is_found_again(path: Path) -> None:
    Credentials(path).save("localhost:5000", ALI)
    assert Credentials(path).find("localhost:5000") == ALI
    assert Credentials(path).find("localhost:5001") is None


def test_file_and_directory_are_for_the_user_alone(path: Path) -> None:
    Credentials(path).save("r.io", ALI)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_else_is_in_the_file_stays_as_it_is(path: Path) -> None:
    before = {"psFormat": "x", "auths": {"other": auth("a:b")}, "plugins": {"a": {"b": "c"}}, "é": [1, 2.5, None]}
    write(path, before).save("r.io", ALI)
    after = json.loads(path.read_text())
    assert after["auths"].pop("r.io") == auth("ali:open: sesame")
    assert after == before
    assert list(after) == list(before)
    Credentials(path).erase("r.io")
    assert json.loads(path.read_text()) == before


def test_docker_hub_has_the_key_that_docker_gives_it(path: Path) -> None:
    Credentials(path).save("docker.io", ALI)
    assert list(json.loads(path.read_text())["auths"]) == ["https://index.docker.io/v1/"]
    assert Credentials(path).find("docker.io") == ALI


@pytest.mark.parametrize("key", ["https://r.io", "https://r.io/v1/", "r.io/v2/", "http://r.io/"])
def test_addresses_of_old_clients_are_understood_and_replaced(path: Path, key: str) -> None:
    credentials = write(path, {"auths": {key: auth("a:b")}})
    assert credentials.find("r.io") == Login("a", "b")
    credentials.save("r.io", ALI)
    assert list(json.loads(path.read_text())["auths"]) == ["r.io"]


def test_a_namespace_may_have_a_login_of_its_own(path: Path) -> None:
    credentials = write(path, {"auths": {"r.io": auth("a:b"), "r.io/team": auth("c:d"), "r.io/team/app": auth("e:f")}})
    assert credentials.find("r.io", "team/app") == Login("e", "f")
    assert credentials.find("r.io", "team/other") == Login("c", "d")
    assert credentials.find("r.io", "teams") == Login("a", "b")


def test_an_identity_token_is_found(path: Path) -> None:
    credentials = write(path, {"auths": {"r.io": {**auth("<token>:"), "identitytoken": "long"}}})
    assert credentials.find("r.io") == Login("<token>", "", "long")


def test_forgetting_says_whether_there_was_something(path: Path) -> None:
    assert Credentials(path).erase("r.io") is False
    assert not path.exists()
    Credentials(path).save("r.io", ALI)
    assert Credentials(path).erase("r.io") is True
    assert Credentials(path).find("r.io") is None


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "docker.json"
    real.parent.mkdir()
    real.write_text("{}")
    path.parent.mkdir()
    path.symlink_to(real)
    Credentials(path).save("r.io", ALI)
    assert path.is_symlink()
    assert "r.io" in json.loads(real.read_text())["auths"]


def test_many_at_once_lose_no_login(path: Path) -> None:
    def keep(number: int) -> None:
        Credentials(path).save(f"r{number}.io", ALI)

    threads = [threading.Thread(target=keep, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(json.loads(path.read_text())["auths"]) == 12
    assert os.listdir(path.parent) == ["config.json"]


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "\x00"])
def test_a_file_that_is_broken_is_told_and_not_overwritten(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    for verb in (lambda: Credentials(path).find("r.io"), lambda: Credentials(path).save("r.io", ALI)):
        with pytest.raises(Invalid, match=r"config\.json is not"):
            verb()
    assert path.read_text() == text


@pytest.mark.parametrize("entry", [{"auth": "no base64!"}, {"auth": "bm9jb2xvbg=="}, "text"])
def test_a_login_that_cannot_be_read_is_told_without_its_text(path: Path, entry: object) -> None:
    with pytest.raises(Invalid, match=r"the login of r\.io") as caught:
        write(path, {"auths": {"r.io": entry}}).find("r.io")
    assert "bm9j" not in str(caught.value)


class Helped:
    """A config that leaves logins to a helper."""

    def __init__(self, tmp_path: Path, path: Path, script: str, config: dict[str, object]) -> None:
        self.store = tmp_path / "store"
        self.store.mkdir()
        program = tmp_path / "docker-credential-test"
        program.write_text(script)
        program.chmod(0o755)
        write(path, config)
        environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "STORE": str(self.store)}
        self.credentials = Credentials(path, environ=environ)


@pytest.mark.parametrize("config", [{"credsStore": "test"}, {"credHelpers": {"r.io": "test"}, "credsStore": "other"}])
def test_a_helper_keeps_logins_and_the_file_only_their_names(
    tmp_path: Path, path: Path, config: dict[str, object]
) -> None:
    helped = Helped(tmp_path, path, HELPER, config)
    assert helped.credentials.find("r.io") is None
    helped.credentials.save("r.io", ALI)
    assert helped.credentials.find("r.io") == ALI
    assert json.loads(path.read_text())["auths"] == {"r.io": {}}
    assert helped.credentials.erase("r.io") is True
    assert helped.credentials.find("r.io") is None
    assert "sesame" not in (helped.store / "calls").read_text()


def test_a_helper_may_hold_an_identity_token(tmp_path: Path, path: Path) -> None:
    helped = Helped(tmp_path, path, HELPER, {"credsStore": "test"})
    helped.credentials.save("r.io", Login("ali", "", "long"))
    assert helped.credentials.find("r.io") == Login(identity_token="long")


def test_a_helper_in_trouble_is_told_without_its_output(tmp_path: Path, path: Path) -> None:
    helped = Helped(tmp_path, path, "#!/bin/sh\necho secret\nexit 3\n", {"credsStore": "test"})
    with pytest.raises(Unavailable, match="docker-credential-test get failed with status 3") as caught:
        helped.credentials.find("r.io")
    assert "secret" not in str(caught.value.__dict__)


def test_a_helper_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(NotFound, match="docker-credential-nowhere, which is not on PATH"):
        write(path, {"credsStore": "nowhere"}).find("r.io")


@pytest.mark.parametrize("name", ["../../bin/sh", "a b", "-x", ""])
def test_a_helpers_name_is_no_path(path: Path, name: str) -> None:
    credentials = write(path, {"credHelpers": {"r.io": name}})
    if name:
        with pytest.raises(Invalid, match="not the name of a credential helper"):
            credentials.find("r.io")
    else:
        assert credentials.find("r.io") is None
