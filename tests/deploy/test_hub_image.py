"""The image of the hub: Capas builds it, it runs as nobody in particular on a read-only root, and takes itself in."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from support.hub_client import HubClient

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import library as tool

pytestmark = [
    pytest.mark.root,
    pytest.mark.peer("mmdebstrap"),
    pytest.mark.xdist_group("library"),
    pytest.mark.timeout(900),
]


def test_the_image_of_the_hub_is_built_runs_and_is_pushed_to_itself(tmp_path: Path) -> None:
    library = tool.Library(tmp_path / "root", tool.HERE / ".make" / "cache")
    library.make_base()
    library.capas("build", "-q", "-t", "capas-hub", "-f", str(tool.HERE / "deploy" / "Dockerfile"), str(tool.HERE))
    port = tool.free_port()
    where = ("-p", f"127.0.0.1:{port}:5000", "--read-only", "--tmpfs", "/tmp")
    with library.running(*where, "capas-hub", "--open") as ident:
        library.check_health(ident, "capas-hub")
        library.check_user(ident, "capas")
        library.env["CAPAS_INSECURE_REGISTRIES"] = f"127.0.0.1:{port}"
        name = f"127.0.0.1:{port}/team/capas-hub:1"
        library.capas("tag", "capas-hub", name)
        library.capas("push", "-q", name)
        hub = HubClient(f"127.0.0.1:{port}", "team/capas-hub")
        manifest = json.loads(hub.send("GET", "manifests/1").data)
        for layer in (manifest["config"], *manifest["layers"]):
            assert hub.send("HEAD", f"blobs/{layer['digest']}").headers["content-length"] == str(layer["size"])
        hub.close()
