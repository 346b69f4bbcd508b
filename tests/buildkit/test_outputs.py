"""What comes out of a build by buildx: archives and directories at the client, images in registries and here."""

from __future__ import annotations

import base64
import json
import tarfile
from pathlib import Path

import pytest

from support.buildkitd import Buildx
from support.registry_peer import PASSWORD, USER, running_registry

DOCKERFILE = "FROM scratch\nCOPY a.txt /sub/\nLABEL made=here\n"


def test_a_tar_of_the_files_comes_to_the_client(buildx: Buildx, tmp_path: Path) -> None:
    buildx.build(tmp_path / "c", f"--output=type=tar,dest={tmp_path / 'o.tar'}", Dockerfile=DOCKERFILE, a_txt="aaa")
    with tarfile.open(tmp_path / "o.tar") as archive:
        assert archive.extractfile("sub/a.txt").read() == b"aaa"  # type: ignore[union-attr]


def test_the_files_come_into_a_directory_of_the_client(buildx: Buildx, tmp_path: Path) -> None:
    dockerfile = (
        "FROM busybox AS b\nRUN mkdir -p /o/d; cd /o; echo hi >d/f; ln d/f same; ln -s d/f link; chmod 0640 d/f; "
        "mkdir -m 0700 e; echo >tool; chmod 6751 tool; mkdir -m 3777 shared\nFROM scratch\nCOPY --from=b /o /\n"
    )
    out = tmp_path / "out"
    buildx.build(tmp_path / "c", f"--output={out}", Dockerfile=dockerfile)
    assert (out / "link").readlink() == Path("d/f")
    assert (out / "d/f").read_text() == "hi\n"
    assert (out / "d/f").stat().st_mode & 0o7777 == 0o640
    assert (out / "d/f").samefile(out / "same")
    assert (out / "e").stat().st_mode & 0o777 == 0o700
    assert (out / "tool").stat().st_mode & 0o7777 == 0o6751
    assert (out / "shared").stat().st_mode & 0o7777 == 0o3777


@pytest.mark.parametrize("kind", ["oci", "docker"])
def test_an_archive_of_the_image_comes_to_the_client(buildx: Buildx, tmp_path: Path, kind: str) -> None:
    archive = tmp_path / "image.tar"
    output = f"--output=type={kind},dest={archive},name=archived:{kind}"
    buildx.build(tmp_path / "c", output, Dockerfile=DOCKERFILE, a_txt="aaa")
    assert f"archived:{kind}" in buildx.terminal.ok("load", "-i", str(archive))
    assert buildx.terminal.ok("inspect", "--format", "{{.Config.Labels.made}}", f"archived:{kind}") == "here\n"


def test_an_image_is_kept_by_the_builder_as_compose_asks_for_it(buildx: Buildx, tmp_path: Path) -> None:
    output = "--output=type=image,name=kept:here,load=true,push=false"
    buildx.build(tmp_path / "c", output, "--provenance=false", Dockerfile=DOCKERFILE, a_txt="aaa")
    assert buildx.terminal.ok("inspect", "--format", "{{.Config.Labels.made}}", "kept:here") == "here\n"


def test_an_image_carries_its_attestations(buildx: Buildx, tmp_path: Path) -> None:
    with running_registry(tmp_path / "registry") as registry:
        name = f"{registry}/team/attested:1"
        flags = ["--push", f"--tag={name}", "--sbom=true", "--provenance=mode=max"]
        buildx.build(tmp_path / "c", *flags, Dockerfile=DOCKERFILE, a_txt="aaa")
        assert "SLSA" in buildx.ok("imagetools", "inspect", name, "--format", "{{json .Provenance}}")
        assert "SPDX" in buildx.ok("imagetools", "inspect", name, "--format", "{{json .SBOM}}")


def test_several_platforms_come_in_one_archive(buildx: Buildx, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    platforms = "--platform=linux/amd64,linux/arm64"
    buildx.build(tmp_path / "c", platforms, f"--output=type=oci,dest={archive}", Dockerfile=DOCKERFILE, a_txt="aaa")
    with tarfile.open(archive) as opened:
        texts = [opened.extractfile(one).read() for one in opened if one.isfile() and one.size < 2000]  # type: ignore[union-attr]
    assert any(b'"architecture":"arm64"' in text and b'"rootfs"' in text for text in texts)


def test_several_outputs_come_from_one_build(buildx: Buildx, tmp_path: Path) -> None:
    outputs = [f"--output=type=tar,dest={tmp_path / 'o.tar'}", f"--output={tmp_path / 'out'}"]
    buildx.build(tmp_path / "c", *outputs, Dockerfile=DOCKERFILE, a_txt="aaa")
    assert (tmp_path / "out/sub/a.txt").read_text() == "aaa"
    assert tarfile.is_tarfile(tmp_path / "o.tar")


def test_an_image_is_pushed_with_the_client_s_login(buildx: Buildx, tmp_path: Path) -> None:
    with running_registry(tmp_path / "registry", login=True) as registry:
        buildx.log_in(registry, base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode())
        metadata = tmp_path / "metadata.json"
        name = f"{registry}/team/app:1"
        buildx.build(
            tmp_path / "c", "--push", f"--tag={name}", f"--metadata-file={metadata}", Dockerfile=DOCKERFILE, a_txt="aaa"
        )
        digest = json.loads(metadata.read_text())["containerimage.digest"]
        assert digest in buildx.ok("imagetools", "inspect", name)


def test_a_push_that_is_refused_says_why(buildx: Buildx, tmp_path: Path) -> None:
    with running_registry(tmp_path / "registry", login=True) as registry:
        told = buildx.fails_to_build(
            tmp_path / "c", "--push", f"--tag={registry}/team/app:1", Dockerfile=DOCKERFILE, a_txt="aaa"
        )
    assert "401" in told or "unauthorized" in told.lower() or "login" in told
