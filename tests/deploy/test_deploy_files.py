"""The files of deploy/ fit together: their configurations are ones that a hub reads, and the tools take them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from capas.hub.config import read_config
from capas.hub.records.place import database_url

DEPLOY = Path(__file__).parents[2] / "deploy"
SECRETS = ("database", "hub_key", "s3_key", "s3_secret")


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `secrets.sh` makes."""
    place = tmp_path_factory.mktemp("deploy")
    shutil.copy(DEPLOY / "secrets.sh", place)
    for _ in range(2):  # again, and nothing changes
        before = {path.name: path.read_bytes() for path in place.glob("secrets/*")}
        subprocess.run([place / "secrets.sh"], check=True)
        assert not before or before == {path.name: path.read_bytes() for path in place.glob("secrets/*")}
    return place / "secrets"


def local(text: str, secrets: Path, tmp_path: Path) -> Path:
    """The configuration, with the secrets where they are here."""
    path = tmp_path / "hub.toml"
    path.write_text(text.replace("/run/secrets", str(secrets)))
    return path


def compose() -> dict[str, object]:
    found = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert isinstance(found, dict)
    return found


def test_the_hubs_of_compose_read_their_configuration(secrets: Path, tmp_path: Path) -> None:
    services = compose()["services"]
    assert isinstance(services, dict)
    for name in ("hub1", "hub2"):
        environ = {
            key: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value) for key, value in services[name]["environment"].items()
        }
        config = read_config(tmp_path, local((DEPLOY / "hub.toml").read_text(), secrets, tmp_path), environ)
        assert database_url(config.database, tmp_path).startswith("postgresql+psycopg://capas:")
        assert config.storage.options["secret_access_key"] == (secrets / "s3_secret").read_text()
        assert set(services[name]["secrets"]) == set(SECRETS)


def test_the_hub_of_kubernetes_reads_its_configuration(secrets: Path, tmp_path: Path) -> None:
    config = read_config(tmp_path, local((DEPLOY / "kubernetes" / "hub.toml").read_text(), secrets, tmp_path), {})
    assert config.storage.redirect
    assert config.secrets.key


def test_every_secret_of_compose_is_made(secrets: Path) -> None:
    named = compose()["secrets"]
    assert isinstance(named, dict)
    assert {path.name for path in secrets.iterdir()} == set(named)
    assert all(path.stat().st_size for path in secrets.iterdir())
    assert secrets.stat().st_mode & 0o077 == 0


def test_a_key_that_was_made_seals(secrets: Path, tmp_path: Path) -> None:
    from capas.hub.seal import Seal, SecretsConfig

    config = SecretsConfig((secrets / "hub_key").read_text())
    sealed = Seal(tmp_path / "one", config).close("a secret")
    assert Seal(tmp_path / "other", config).open(sealed) == "a secret"


def test_the_manifests_of_kubernetes_name_what_is_there() -> None:
    documents = [
        document
        for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]
    kinds = {document["kind"]: document for document in documents}
    pod = kinds["Deployment"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert (
        kinds["Service"]["spec"]["selector"].items()
        <= kinds["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    )
    assert set(kinds["Kustomization"]["resources"]) | {"kustomization.yaml"} == {
        path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")
    }


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kustomize_takes_them() -> None:
    done = subprocess.run(["kubectl", "kustomize", DEPLOY / "kubernetes"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "registry.example/capas-hub:latest" in done.stdout


@pytest.mark.peer("nginx")
def test_nginx_takes_the_balancers_configuration(tmp_path: Path) -> None:
    place = (DEPLOY / "balancer.conf").read_text().replace("hub1:", "127.0.0.1:").replace("hub2:", "127.0.0.1:")
    (tmp_path / "balancer.conf").write_text(place)
    whole = f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{ include {tmp_path}/balancer.conf; }}\n"
    (tmp_path / "nginx.conf").write_text(whole)
    command = ["nginx", "-t", "-e", str(tmp_path / "log"), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"})
    assert done.returncode == 0, done.stderr
