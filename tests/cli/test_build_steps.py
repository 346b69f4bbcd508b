"""What `capas build` is told of its steps, and cache mounts carried elsewhere, as a person types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.building import write_files
from support.terminal import Terminal

pytestmark = [pytest.mark.root, pytest.mark.peer("crun")]


def context(tmp_path: Path, lines: str) -> str:
    return str(write_files(tmp_path / "context", {"Dockerfile": f"FROM busybox\n{lines}\n"}))


def test_secrets_limits_and_hosts_reach_a_step(capas: Terminal, tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text("key-bytes-1")
    where = context(
        tmp_path,
        "RUN --mount=type=secret,id=key --mount=type=secret,id=TOKEN,env=TOKEN wc -c < /run/secrets/key"
        " && echo ${#TOKEN} && ulimit -n && cat /etc/hosts && echo $TOKEN && touch /made",
    )
    said = capas.run(
        "build", "--progress=plain", f"--secret=id=key,src={tmp_path}/key.txt", "--secret=id=TOKEN",
        "--ulimit=nofile=55", "--add-host=here:host-gateway", "--shm-size=1m", "-t", "stepped", where,
        TOKEN="token-bytes-22",
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    for text in ("11", "14", "55", "127.0.0.1\there", "****"):
        assert text in said.stderr + said.stdout
    assert "token-bytes" not in said.stderr + said.stdout
    assert "token-bytes" not in capas.ok("history", "--no-trunc", "stepped") + capas.ok("image", "inspect", "stepped")


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--secret=id=a,src=/nonexistent"], "secret a: cannot read /nonexistent"),
        (["--secret=src=a"], "--secret needs an id"),
        (["--ssh=default"], "no ssh agent runs here"),
        (["--ulimit=nofile"], "not a ulimit"),
        (["--shm-size=big"], "not a size"),
        (["--cgroup-parent=relative"], "is not an absolute path"),
    ],
)
def test_what_cannot_be_is_one_kind_error(capas: Terminal, tmp_path: Path, flags: list[str], why: str) -> None:
    assert why in capas.fails("build", *flags, context(tmp_path, "RUN --mount=type=ssh true"))


def test_a_grant_is_asked_for_and_given(capas: Terminal, tmp_path: Path) -> None:
    where = context(tmp_path, "RUN --security=insecure mount -t tmpfs none /tmp")
    text = capas.fails("build", where)
    assert "RUN --security=insecure is not granted" in text
    assert "--allow security.insecure" in text
    capas.ok("build", "--allow=security.insecure", where)
    capas.fails("build", "--allow=everything", where, code=125)


def test_cache_mounts_go_to_another_machine(capas: Terminal, tmp_path: Path) -> None:
    where = context(tmp_path, "RUN --mount=type=cache,id=carried,target=/c echo kept > /c/f")
    capas.ok("build", where)
    place = f"oci-layout://{tmp_path}/caches"
    assert "Exported" in capas.ok("builder", "mounts", "export", "--id=carried", place)
    elsewhere = str(tmp_path / "elsewhere")
    assert "Imported the cache mount carried" in capas.ok("builder", "mounts", "import", place, CAPAS_ROOT=elsewhere)
    assert "Every one of them is here already" in capas.ok("builder", "mounts", "import", place, CAPAS_ROOT=elsewhere)
    (found,) = Path(elsewhere, "cache/mounts").glob("*/fs/f")
    assert found.read_text() == "kept\n"
    assert "no cache mount nosuch" in capas.fails("builder", "mounts", "export", "--id=nosuch", place)
