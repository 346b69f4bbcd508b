"""The balancer of deploy/ before two hubs: clients as they are push and pull through it, also while a hub dies."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.hub.config import Config
from capas.hub.records.place import DatabaseConfig
from capas.image.validate import validate
from capas.store.blobs import DirectoryBlobs
from support.cluster import Cluster, running_cluster
from support.layouts import make_layout
from support.ports import wait_for_port
from support.seaweed import Seaweed

pytestmark = [pytest.mark.peer("skopeo"), pytest.mark.peer("nginx")]
BALANCER = Path(__file__).parents[2] / "deploy" / "balancer.conf"


@pytest.fixture
def cluster(tmp_path: Path, postgres_url: str, seaweed: Seaweed) -> Iterator[Cluster]:
    config = Config(database=DatabaseConfig(postgres_url), storage=seaweed.make())
    with running_cluster(tmp_path, config, open=True) as found:
        yield found


@pytest.fixture
def address(cluster: Cluster, tmp_path: Path) -> Iterator[str]:
    """nginx's, with the configuration of deploy/ but for the names of hosts and the port."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    hosts = iter(address.replace("localhost", "127.0.0.1") for address in cluster.addresses)
    text = re.sub(r"hub\d:5000", lambda _: next(hosts), BALANCER.read_text())
    (tmp_path / "balancer.conf").write_text(text.replace("listen 80;", f"listen 127.0.0.1:{port};"))
    temporary = "".join(f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in ("client_body", "proxy"))
    http = f"http {{ access_log off; {temporary} include {tmp_path}/balancer.conf; }}\n"
    (tmp_path / "nginx.conf").write_text(f"daemon off;\npid {tmp_path}/pid;\nevents {{}}\n{http}")
    command = ["nginx", "-e", str(tmp_path / "nginx.log"), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    with subprocess.Popen(command) as nginx:
        try:
            wait_for_port(port)
            yield f"127.0.0.1:{port}"
        finally:
            nginx.terminate()


def skopeo(*words: str) -> str:
    command = ["skopeo", "--insecure-policy", "copy", "--retry-times", "5", "--preserve-digests", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_skopeo_pushes_and_pulls_through_the_balancer(address: str, tmp_path: Path) -> None:
    image = make_layout(tmp_path / "made", {"data": bytes(range(256)) * 100_000}, {"etc/issue": b"two\n"})
    skopeo("--dest-tls-verify=false", f"oci:{tmp_path}/made:v1", f"docker://{address}/team/app:v1")
    skopeo("--src-tls-verify=false", f"docker://{address}/team/app:v1", f"oci:{tmp_path}/back:v1")
    validate(DirectoryBlobs(tmp_path / "back"), image.digest)


def test_skopeo_pushes_while_hubs_die(cluster: Cluster, address: str, tmp_path: Path) -> None:
    layouts = [tmp_path / f"made{number}" for number in range(6)]
    images = [make_layout(layout, {"data": layout.name.encode() * 400_000}) for layout in layouts]
    over = threading.Event()

    def disturb() -> None:
        number = 0
        while not over.wait(1):
            cluster.kill(number % 2)
            cluster.restart_where_it_was(number % 2)
            number += 1

    trouble = threading.Thread(target=disturb)
    trouble.start()
    try:
        for layout in layouts:
            skopeo("--dest-tls-verify=false", f"oci:{layout}:v1", f"docker://{address}/team/{layout.name}:v1")
    finally:
        over.set()
        trouble.join()
    for layout, image in zip(layouts, images, strict=True):
        back = tmp_path / f"back-{layout.name}"
        skopeo("--src-tls-verify=false", f"docker://{address}/team/{layout.name}:v1", f"oci:{back}:v1")
        validate(DirectoryBlobs(back), image.digest)
