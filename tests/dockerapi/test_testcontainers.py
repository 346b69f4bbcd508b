"""testcontainers, as test suites use it, on Capas."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.compose import install_compose
from support.docker import Docker

if TYPE_CHECKING:
    from docker import DockerClient
    from testcontainers.core.container import DockerContainer

pytestmark = [
    pytest.mark.root,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:unclosed:ResourceWarning"),  # of its own making
]
_SITE = 'sh -c "mkdir /w; echo hi > /w/index.html; echo ready; exec httpd -f -p 80 -h /w"'


@pytest.fixture(autouse=True)
def environ(docker: Docker, client: DockerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it finds the server. Its reaper is an image of docker.io: it is told to go without."""
    from testcontainers.core.config import testcontainers_config

    for name in ("DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_BUILDKIT"):
        monkeypatch.setenv(name, docker.environ[name])
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", True)


def box(command: str = "sleep 100") -> DockerContainer:
    from testcontainers.core.container import DockerContainer

    return DockerContainer("busybox").with_command(command).with_kwargs(stop_signal="SIGKILL")


def test_a_service_is_waited_for_and_reached_at_its_port() -> None:
    from testcontainers.core.waiting_utils import wait_for_logs

    with box(_SITE).with_exposed_ports(80) as site:
        wait_for_logs(site, "ready", timeout=30)
        address = f"http://{site.get_container_host_ip()}:{site.get_exposed_port(80)}/"
        assert urllib.request.urlopen(address, timeout=30).read() == b"hi\n"
        assert site.get_logs() == (b"ready\n", b"")


def test_health_is_waited_for() -> None:
    from testcontainers.core.wait_strategies import HealthcheckWaitStrategy

    sick = box('sh -c "touch /well; exec sleep 100"').with_kwargs(
        healthcheck={"test": ["CMD", "test", "-f", "/well"], "interval": 100_000_000}
    )
    with sick.waiting_for(HealthcheckWaitStrategy()) as well:
        assert well.get_wrapped_container().health == "healthy"


def test_containers_of_a_network_find_each_other_by_alias() -> None:
    from testcontainers.core.network import Network

    with (
        Network() as network,
        box().with_network(network).with_network_aliases("server"),
        box().with_network(network) as other,
    ):
        assert other.exec("ping -c1 -W5 server").exit_code == 0


def test_files_are_mounted_and_copied_both_ways(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    with box().with_volume_mapping(tmp_path, "/m", "ro").with_copy_into_container(tmp_path / "f", "/tmp/g") as holder:
        assert holder.exec("cat /m/f /tmp/g").output == b"xx"
        holder.copy_from_container("/tmp/g", tmp_path / "h")
    assert (tmp_path / "h").read_text() == "x"


def test_an_image_is_built_run_and_gone(tmp_path: Path, client: DockerClient) -> None:
    from docker.errors import ImageNotFound
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.image import DockerImage
    from testcontainers.core.waiting_utils import wait_for_logs

    (tmp_path / "Dockerfile").write_text("FROM busybox\nSTOPSIGNAL KILL\nCMD echo built; exec sleep 100\n")
    with DockerImage(path=tmp_path, tag="made:1") as image, DockerContainer(str(image)) as built:
        wait_for_logs(built, "built", timeout=30)
    with pytest.raises(ImageNotFound):
        client.images.get("made:1")


def test_a_compose_project_is_up_in_a_block(docker: Docker, tmp_path: Path) -> None:
    from testcontainers.compose import DockerCompose

    install_compose(docker)
    (tmp_path / "compose.yaml").write_text(
        f"services: {{site: {{image: busybox, command: {_SITE}, ports: ['127.0.0.1::80'], stop_signal: SIGKILL}}}}\n"
    )
    with DockerCompose(tmp_path, wait=False) as project:
        host, _port = project.get_service_host_and_port("site", 80)
        assert (host, project.get_container("site").Service) == ("127.0.0.1", "site")
        assert project.exec_in_container(["cat", "/w/index.html"], "site")[0] == "hi\n"
