"""Everybody's clients pull through our hub from real registries, that need a login, and after those are gone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from capas.hub.app import create_app
from capas.hub.config import Config
from capas.hub.copying.upstream import Upstream
from capas.hub.hub import Options
from capas.hub.people.accounts import NewUser, create_user
from capas.hub.people.audit import By
from capas.hub.people.organisations import set_member
from support.dockerd import running_dockerd
from support.hub import running_hub
from support.layouts import make_layout
from support.people import NOW_NS
from support.people import PASSWORD as HUB_PASSWORD
from support.registry_peer import PASSWORD, USER, running_registry
from support.terminal import PROGRAM

Serve = Callable[..., str]


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Serve]:
    """A hub over an upstream."""
    with ExitStack() as stack:

        def serve(**upstream: object) -> str:
            config = Config(upstreams=(Upstream(**{"trust_seconds": 0, "public": True, **upstream}),))  # type: ignore[arg-type]
            app = create_app(tmp_path / "cache", config=config)
            return stack.enter_context(running_hub(tmp_path / "cache", app=app))

        yield serve


def tell(*words: str, environ: dict[str, str] | None = None) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env=environ)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def skopeo(*words: str) -> str:
    return tell("skopeo", "--insecure-policy", *words)


@pytest.mark.peer("skopeo")
@pytest.mark.peer("docker-registry")
def test_skopeo_pulls_through_from_docker_registry_and_goes_on_when_that_is_gone(cache: Serve, tmp_path: Path) -> None:
    image = make_layout(tmp_path / "made", {"etc/motd": b"hello\n"}, {"data": bytes(2_000_000)})
    with running_registry(tmp_path / "theirs", login=True) as theirs:
        login = ["--dest-creds", f"{USER}:{PASSWORD}", "--dest-tls-verify=false"]
        skopeo("copy", "--preserve-digests", *login, f"oci:{tmp_path}/made:v1", f"docker://{theirs}/team/app:1.0")
        hub = cache(prefix="theirs", url=f"http://{theirs}", username=USER, password=PASSWORD)
        source = f"docker://{hub}/theirs/team/app:1.0"
        assert json.loads(skopeo("inspect", "--tls-verify=false", source))["Digest"] == image.digest
        skopeo("copy", "--src-tls-verify=false", source, f"oci:{tmp_path}/one:v1")
    skopeo("copy", "--src-tls-verify=false", source, f"oci:{tmp_path}/two:v1")
    for copied in ("one", "two"):
        index = json.loads((tmp_path / copied / "index.json").read_text())
        assert index["manifests"][0]["digest"] == image.digest


@pytest.mark.root
@pytest.mark.peer("podman")
def test_podman_pulls_through_from_another_hub_that_gives_tokens(cache: Serve, tmp_path: Path) -> None:
    make_layout(tmp_path / "made", {"etc/motd": b"hello\n"})
    app = create_app(tmp_path / "theirs", options=Options(open=False))
    create_user(app.hub.database, NewUser("ana", HUB_PASSWORD), By("keeper", "", NOW_NS))
    home = Path(tempfile.mkdtemp(prefix="pod"))
    podman = ["podman", "--root", str(home / "root"), "--runroot", str(home / "run"), "--storage-driver", "vfs"]
    with running_hub(tmp_path / "theirs", app=app) as theirs:
        login = ["--dest-creds", f"ana:{HUB_PASSWORD}", "--dest-tls-verify=false"]
        skopeo("copy", *login, f"oci:{tmp_path}/made:v1", f"docker://{theirs}/ana/app:1.0")
        hub = cache(prefix="ana", url=f"http://{theirs}/ana", username="ana", password=HUB_PASSWORD)
        try:
            tell(*podman, "pull", "-q", "--tls-verify=false", f"{hub}/ana/app:1.0")
            tags = tell(*podman, "search", "--tls-verify=false", "--list-tags", f"{hub}/ana/app")
            assert tags.split()[-1] == "1.0"
        finally:
            shutil.rmtree(home)


@pytest.mark.root
@pytest.mark.peer("dockerd")
@pytest.mark.peer("docker-registry")
def test_docker_has_the_hub_as_mirror_of_docker_io(cache: Serve, tmp_path: Path) -> None:
    make_layout(tmp_path / "made", {"etc/motd": b"hello\n"}, {"data": bytes(2_000_000)})
    with running_registry(tmp_path / "theirs") as theirs:
        target = f"docker://{theirs}/library/greeting:1.0"
        skopeo("copy", "--dest-tls-verify=false", f"oci:{tmp_path}/made:v1", target)
        hub = cache(prefix="docker.io", url=f"http://{theirs}", mirror=True)
        with running_dockerd(tmp_path / "docker", "--registry-mirror", f"http://{hub}") as socket:
            docker = ["docker", "-H", socket]
            tell(*docker, "pull", "-q", "greeting:1.0")
            assert tell(*docker, "images", "--format", "{{.Repository}}:{{.Tag}}") == "greeting:1.0"
    assert (tmp_path / "cache" / "blobs" / "sha256").exists()


@pytest.mark.peer("docker-registry")
def test_capas_has_the_hub_as_mirror_of_docker_io(cache: Serve, tmp_path: Path) -> None:
    make_layout(tmp_path / "made", {"etc/motd": b"hello\n"})
    with running_registry(tmp_path / "theirs") as theirs:
        skopeo("copy", "--dest-tls-verify=false", f"oci:{tmp_path}/made:v1", f"docker://{theirs}/library/greeting:1.0")
        hub = cache(prefix="docker.io", url=f"http://{theirs}", hosts=("localhost",))
        environ = {**os.environ, "CAPAS_ROOT": str(tmp_path / "store"), "CAPAS_MIRRORS": f"docker.io=http://{hub}"}
        tell(str(PROGRAM), "pull", "greeting:1.0", environ=environ)


@pytest.mark.peer("skopeo")
@pytest.mark.peer("docker-registry")
def test_skopeo_pulls_what_is_private_with_a_token_of_the_hub_and_only_for_members(tmp_path: Path) -> None:
    make_layout(tmp_path / "made", {"etc/motd": b"hello\n"})
    with running_registry(tmp_path / "theirs", login=True) as theirs:
        login = ["--dest-creds", f"{USER}:{PASSWORD}", "--dest-tls-verify=false"]
        skopeo("copy", *login, f"oci:{tmp_path}/made:v1", f"docker://{theirs}/team/app:1.0")
        upstream = Upstream(prefix="corp", url=f"http://{theirs}", username=USER, password=PASSWORD)
        app = create_app(tmp_path / "hub", config=Config(upstreams=(upstream,)), options=Options(open=False))
        for name in ("ana", "bob"):
            create_user(app.hub.database, NewUser(name, HUB_PASSWORD), By("keeper", "", NOW_NS))
        set_member(app.hub.database, "corp", "ana", "reader", By("keeper", "", NOW_NS))
        with running_hub(tmp_path / "hub", app=app) as hub:
            inspect = ["skopeo", "inspect", "--tls-verify=false", f"docker://{hub}/corp/team/app:1.0", "--creds"]
            assert json.loads(tell(*inspect, f"ana:{HUB_PASSWORD}"))["Digest"]
            refused = subprocess.run([*inspect, f"bob:{HUB_PASSWORD}"], capture_output=True, text=True, timeout=60)
            assert refused.returncode != 0
