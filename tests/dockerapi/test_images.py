"""docker's own client lists, builds, names, saves, pushes, pulls and removes images of Capas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.docker import Docker
from support.hub import running_hub

pytestmark = pytest.mark.root


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    with running_hub(tmp_path / "hub") as address:
        yield address


def test_the_server_says_who_it_is(docker: Docker) -> None:
    assert docker.ok("version", "-f", "{{.Server.Platform.Name}}") == "Capas\n"
    assert docker.ok("info", "-f", "{{.OSType}} {{.LoggingDriver}}") == "linux json-file\n"


def test_images_are_listed_with_dockers_columns(docker: Docker) -> None:
    lines = docker.ok("images").splitlines()
    assert lines[0].split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"]
    assert lines[1].split()[:2] == ["busybox", "latest"]


def test_inspect_and_history_show_one(docker: Docker) -> None:
    found = json.loads(docker.ok("inspect", "busybox"))[0]
    assert found["Config"]["Cmd"] == ["sh"] and found["RepoTags"] == ["busybox:latest"]
    assert docker.ok("history", "-q", "busybox").split()[0] in found["Id"]


def test_a_missing_image_is_a_404_in_dockers_form(docker: Docker) -> None:
    assert "no such image" in docker.fails("inspect", "--type", "image", "nosuch").lower()


def test_tag_and_rmi_untag_and_delete(docker: Docker) -> None:
    docker.ok("tag", "busybox", "other:1")
    assert docker.ok("rmi", "other:1") == "Untagged: other:1\n"


def test_an_image_in_use_is_not_removed(docker: Docker) -> None:
    docker.ok("run", "-d", "--name", "box", "busybox", "sleep", "100")
    assert "is using its referenced image" in docker.fails("rmi", "busybox")


def test_the_classic_builder_builds_a_context(docker: Docker, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM busybox\nARG WORD=none\nCOPY file /file\nRUN echo $WORD >> /file\nCMD cat /file\n"
    )
    (tmp_path / "file").write_text("copied\n")
    out = docker.ok("build", "-t", "made:1", "--build-arg", "WORD=given", "--label", "a=b", str(tmp_path))
    assert "Successfully built" in out and "Successfully tagged made:1" in out
    assert docker.ok("run", "--rm", "made:1") == "copied\ngiven\n"
    assert "Using cache" in docker.ok(
        "build", "-t", "made:1", "--build-arg", "WORD=given", "--label", "a=b", str(tmp_path)
    )
    assert docker.ok("inspect", "-f", "{{.Config.Labels.a}}", "made:1") == "b\n"


def test_a_build_that_fails_says_why(docker: Docker, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN false\n")
    done = docker.run("build", str(tmp_path))
    assert done.returncode == 1
    assert "RUN false" in done.stderr + done.stdout


def test_save_and_load_carry_images(docker: Docker, tmp_path: Path) -> None:
    docker.ok("tag", "busybox", "carried:1")
    docker.ok("save", "-o", str(tmp_path / "a.tar"), "carried:1")
    docker.ok("rmi", "carried:1")
    assert "Loaded image: carried:1" in docker.ok("load", "-i", str(tmp_path / "a.tar"))


def test_import_makes_an_image_of_a_tree(docker: Docker, tmp_path: Path) -> None:
    docker.ok("create", "--name", "box", "busybox", "true")
    docker.ok("export", "-o", str(tmp_path / "tree.tar"), "box")
    docker.ok("import", "-c", "CMD echo imported", str(tmp_path / "tree.tar"), "tree:1")
    assert docker.ok("run", "--rm", "tree:1") == "imported\n"


def test_push_and_pull_go_through_a_hub(docker: Docker, registry: str) -> None:
    name = f"{registry}/team/box:1"
    docker.ok("tag", "busybox", name)
    assert "digest: sha256:" in docker.ok("push", name)
    docker.ok("rmi", name)
    assert f"Status: Downloaded newer image for {name}" in docker.ok("pull", name)
    assert f"Status: Image is up to date for {name}" in docker.ok("pull", name)
    docker.ok("rmi", name)


def test_disk_usage_is_shown(docker: Docker) -> None:
    assert docker.ok("system", "df", "--format", "{{.Type}}").split("\n")[:2] == ["Images", "Containers"]
    assert "busybox" in docker.ok("system", "df", "-v")
