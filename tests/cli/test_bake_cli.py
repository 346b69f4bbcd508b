"""`capas bake` as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.building import write_files
from support.terminal import Terminal

HCL = """
variable "TAG" { default = "dev" }
group "default" { targets = ["app", "tool"] }
target "base" {
  dockerfile-inline = "FROM scratch\\nCOPY shared /shared\\n"
}
target "app" {
  contexts = { parent = "target:base" }
  tags = ["me/app:${TAG}"]
  args = { WHAT = "app" }
}
target "tool" {
  inherits = ["app"]
  tags = ["me/tool:${TAG}"]
  args = { WHAT = "tool" }
}
target "files" {
  dockerfile-inline = "FROM scratch\\nCOPY shared /\\n"
  output = ["out"]
}
"""
DOCKERFILE = "FROM parent\nARG WHAT\nLABEL what=$WHAT\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {"docker-bake.hcl": HCL, "Dockerfile": DOCKERFILE, "shared": "x"}
    return write_files(tmp_path / "project", files)


@pytest.fixture
def capas(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.chdir(folder)
    return Terminal(tmp_path)


def test_every_target_of_the_default_group_is_built_and_named(capas: Terminal) -> None:
    capas.ok("bake", TAG="1")
    assert sorted(capas.ok("images", "--format", "{{.Repository}}:{{.Tag}}").split()) == ["me/app:1", "me/tool:1"]
    assert capas.ok("image", "inspect", "--format", "{{json .Config.Labels}}", "me/tool:1").strip() == '{"what":"tool"}'


def test_targets_can_be_chosen_and_their_fields_set(capas: Terminal) -> None:
    capas.ok("bake", "tool", "--set", "tool.args.WHAT=other", "--set", "*.tags=me/x:2")
    assert capas.ok("images", "--format", "{{.Repository}}:{{.Tag}}").split() == ["me/x:2"]
    assert capas.ok("image", "inspect", "--format", "{{json .Config.Labels}}", "me/x:2").strip() == '{"what":"other"}'


def test_the_stages_of_no_cache_filter_alone_are_done_again(capas: Terminal, folder: Path) -> None:
    (folder / "Dockerfile").write_text("FROM parent AS one\nWORKDIR /a\nFROM one AS two\nWORKDIR /b\n")
    capas.ok("bake", "app")
    shown = capas.ok("bake", "app", "--set", "app.no-cache-filter=two")
    assert "(2 of 3 steps cached)" in shown


def test_a_cache_that_one_machine_wrote_serves_another(capas: Terminal, folder: Path, tmp_path: Path) -> None:
    (folder / "Dockerfile").write_text("FROM parent\nWORKDIR /a\n")
    cache = ["--set", "app.cache-to=type=local,dest=cache,mode=max", "--set", "app.cache-from=type=local,src=cache"]
    capas.ok("bake", "app", *cache)
    other = Terminal(tmp_path / "other")
    assert "(2 of 2 steps cached)" in other.ok("bake", "app", *cache)


def test_print_shows_what_would_be_built_and_builds_nothing(capas: Terminal) -> None:
    printed = json.loads(capas.ok("bake", "--print", "app"))
    assert printed["group"] == {"default": {"targets": ["app"]}}
    assert printed["target"]["app"]["args"] == {"WHAT": "app"}
    assert capas.ok("images", "-q") == ""


def test_a_target_can_give_files(capas: Terminal, folder: Path) -> None:
    capas.ok("bake", "files")
    assert (folder / "out" / "shared").read_text() == "x"


def test_a_bake_file_can_be_named_and_read_from_standard_input(capas: Terminal) -> None:
    text = b'target "default" {\n  dockerfile-inline = "FROM scratch"\n  tags = ["me/in:1"]\n}'
    capas.ok("bake", "-f", "-", stdin=text)
    assert capas.ok("images", "--format", "{{.Repository}}").split() == ["me/in"]


def test_metadata_of_every_target_is_written(capas: Terminal, tmp_path: Path) -> None:
    capas.ok("bake", "--metadata-file", str(tmp_path / "m.json"))
    written = json.loads((tmp_path / "m.json").read_text())
    assert sorted(written) == ["app", "tool"]
    assert written["app"]["image.name"] == "docker.io/me/app:dev"


def test_attestations_can_be_asked_of_all_targets(capas: Terminal) -> None:
    capas.ok("bake", "app", "--provenance=true")
    found = capas.ok("image", "inspect", "--format", "{{.Descriptor.mediaType}}", "me/app:dev")
    assert found.strip() == "application/vnd.oci.image.index.v1+json"


def test_check_looks_at_the_dockerfile_of_every_target(capas: Terminal, folder: Path) -> None:
    (folder / "Dockerfile").write_text("FROM parent\nMAINTAINER me\n")
    done = capas.run("bake", "--check", "app")
    assert done.returncode == 1
    assert "MaintainerDeprecated" in done.stdout
    assert capas.ok("images", "-q") == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nope"], "there is no target or group 'nope'"),
        (["-f", "none.hcl"], "no such bake file: none.hcl"),
        (["app", "--set", "app.entitlements=security.insecure"], "it asks for security.insecure, which is not granted"),
        (["app", "--set", "app.call=outline"], "call=outline is not made by a build"),
        (["app", "--set", "app.output=type=oddity"], "target app: there is no output of type oddity"),
        (["app", "--set", "app.platform=a/b/c/d"], "target app: not a platform"),
        (["app", "--set", "app.tags=UPPER"], "UPPER"),
        (["app", "--push", "--set", "app.tags="], "needs a name"),
    ],
)
def test_what_cannot_be_is_refused_with_one_clear_error(capas: Terminal, words: list[str], said: str) -> None:
    shown = capas.fails("bake", *words)
    assert said in shown
    assert "Traceback" not in shown


def test_without_any_bake_file_the_names_looked_for_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert "docker-bake.hcl" in Terminal(tmp_path).fails("bake")


def test_a_fault_shows_the_line_of_the_bake_file(capas: Terminal, folder: Path) -> None:
    (folder / "docker-bake.hcl").write_text('target "default" {\n  tags = ["${NOPE}"]\n}\n')
    shown = capas.fails("bake")
    assert "docker-bake.hcl:2:14: there is no variable NOPE" in shown
    assert '2 |   tags = ["${NOPE}"]' in shown


def test_bake_files_in_hcl_need_no_yaml(capas: Terminal) -> None:
    program = (
        "import sys; sys.modules['yaml'] = None; sys.argv = ['capas', 'bake', '--print']\n"
        "from capas.cli.main import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
