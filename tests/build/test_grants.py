"""What a Dockerfile cannot give itself, and what whoever builds can: the host's network, root's powers, limits."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

import pytest

from capas.errors import Denied, Invalid, Unsupported
from support.stepping import Steps

pytestmark = [pytest.mark.root, pytest.mark.peer("crun"), pytest.mark.peer("busybox")]
CAPABILITIES = "grep CapBnd /proc/self/status"


@pytest.mark.covers("RUN", "--security=sandbox")
def test_a_step_is_in_the_sandbox(steps: Steps) -> None:
    steps.run(f"RUN --security=sandbox {CAPABILITIES}; mount -t tmpfs none /tmp || echo refused")
    assert steps.said()[0] == "CapBnd:\t00000000a80425fb"
    assert "refused" in steps.said()


@pytest.mark.covers("RUN", "--security=insecure")
def test_the_powers_of_root_must_be_granted(steps: Steps) -> None:
    """S4: CVE-2024-23653."""
    with pytest.raises(Denied, match="RUN --security=insecure is not granted") as caught:
        steps.run("RUN --security=insecure true")
    assert "--allow security.insecure" in caught.value.hint
    with pytest.raises(Denied):
        steps.run("RUN --security=insecure true", allow=frozenset({"network.host"}))


def test_granted_powers_are_there_and_are_another_step(steps: Steps) -> None:
    granted = frozenset({"security.insecure"})
    line = f"{CAPABILITIES}; mount -t tmpfs none /tmp && echo mounted; touch /made"
    steps.run(f"RUN {line} || true")
    steps.run(f"RUN --security=insecure {line}", allow=granted)
    assert not steps.last_cached()
    assert "mounted" in steps.said()
    assert int(steps.said()[0].split()[1], 16) > 0xA80425FB
    steps.run(f"RUN {line}", allow=granted)
    assert not steps.last_cached()  # a grant is not taken by a step that does not ask for it
    assert "mounted" not in steps.said()


@pytest.mark.covers("RUN", "--network=host")
def test_the_hosts_network_must_be_granted(steps: Steps) -> None:
    with pytest.raises(Denied, match="RUN --network=host is not granted"):
        steps.run("RUN --network=host true")
    for wishes in ({"allow": frozenset({"network.host"})}, {"network": "host"}):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            steps.run(f"RUN --network=host nc 127.0.0.1 {port} -e /bin/true && echo reached", **wishes, no_cache=True)
        assert steps.said() == ["reached"]


@pytest.mark.covers("RUN", "--network=none")
def test_without_a_network_there_is_only_loopback(steps: Steps) -> None:
    steps.run("RUN --network=none ls /sys/class/net")
    assert steps.said() == ["lo"]
    steps.run("RUN ls /sys/class/net; true", network="none")
    assert steps.said() == ["lo"]


@pytest.mark.covers("RUN", "--network=default")
def test_the_default_network_is_what_the_build_says(steps: Steps) -> None:
    steps.run("RUN --network=default ls /sys/class/net", network="none")
    assert steps.said() == ["lo"]


@pytest.mark.covers("RUN", "--device")
def test_devices_are_refused(steps: Steps) -> None:
    with pytest.raises(Unsupported, match="RUN --device is not supported"):
        steps.run("RUN --device=/dev/kvm true")


def test_memory_limits_hosts_and_group_are_as_asked(steps: Steps) -> None:
    steps.run(
        "RUN grep -o size=2048k /proc/self/mounts; ulimit -n; grep -E 'db|here' /etc/hosts; cat /proc/self/cgroup > /c;"
        " grep -c /mine/build- /c; rm /c",
        shm_size=2 << 20, ulimits=(("nofile", 77, 88),), cgroup_parent="/capas-tests/mine",
        add_hosts=(("db", "10.0.0.1"), ("here", "host-gateway")),
    )  # fmt: skip
    assert steps.said()[:4] == ["size=2048k", "77", "10.0.0.1\tdb", "127.0.0.1\there"]
    groups = [path for path in Path("/sys/fs/cgroup").glob("*/capas-tests/mine/*") if path.is_dir()]
    assert groups == []
    with pytest.raises(Invalid, match="is not an absolute path"):
        steps.run("RUN true", cgroup_parent="/a/../../b")


@pytest.mark.parametrize("user", ["2147483648", "-1", "0x0", "٣", "4294967296", "99999999999"])
def test_a_user_that_cannot_be_never_runs_as_root(steps: Steps, user: str) -> None:
    """S14: CVE-2024-40635."""
    with pytest.raises(Invalid):
        steps.run(f"USER {user}\nRUN id -u")
    assert steps.said() == []


@pytest.mark.parametrize("number", [3, 5, 9, 14, 20])
def test_a_working_directory_behind_a_descriptor_is_refused(steps: Steps, number: int) -> None:
    """S1: CVE-2024-21626."""
    with pytest.raises(Invalid):
        steps.run(f"WORKDIR /proc/self/fd/{number}\nRUN pwd && ls ../../../..")
    assert steps.said() == []


def test_no_descriptor_of_ours_is_in_a_step(steps: Steps) -> None:
    """S1."""
    (steps.context / "f").touch()
    mounts = "--mount=target=/a --mount=from=box,target=/b --mount=type=cache,target=/c --mount=type=tmpfs,target=/t"
    steps.run(f"RUN {mounts} for fd in /proc/$$/fd/*; do readlink $fd || true; done")
    assert {text for text in steps.said() if not text.startswith("pipe:")} == {"/dev/null"}


def test_a_working_directory_behind_a_link_is_made_inside(steps: Steps) -> None:
    """S12: GHSA-q6r4-3wmg-fwcq."""
    outside = Path(tempfile.mkdtemp(dir="/var/tmp"))
    before = outside.stat()
    steps.run(f"RUN ln -s {outside} /link\nUSER ana\nWORKDIR /link/new\nRUN pwd; id -u")
    assert outside.stat() == before
    outside.rmdir()
    assert steps.said()[-1] == "1000"


@pytest.mark.parametrize("place", ["/dev/null", "/proc", "/proc/kcore", "/sys/firmware", "/dev"])
def test_a_link_in_the_place_of_what_is_masked_leads_nowhere(steps: Steps, place: str) -> None:
    """S6: CVE-2025-31133 and its kin: the image has a link to the host where the runtime mounts."""
    outside = steps.root / "outside"
    outside.mkdir()
    (outside / "file").write_text("the host's")
    folder, _, _ = place.rpartition("/")
    made = f"mkdir -p /new{folder} && ln -s {outside} /new{place}"
    stage = f"FROM box AS a\nRUN {made}\nFROM scratch\nCOPY --from=box / /\nCOPY --from=a /new/ /\n"
    try:
        steps.run(f'{stage}RUN ["cat", "{place}/file"]')
    except (Invalid, Unsupported):
        pass
    assert (outside / "file").read_text() == "the host's"
    assert sorted(path.name for path in outside.iterdir()) == ["file"]
    assert "the host's" not in steps.said()


def test_volumes_of_an_image_copy_nothing_into_a_step(steps: Steps) -> None:
    """S13: CVE-2022-23648."""
    steps.run('VOLUME ["/../../../../etc", "/data"]\nRUN ls /data 2>/dev/null; head -n 1 /etc/passwd')
    assert steps.said() == ["root:x:0:0:root:/root:/bin/sh"]


def test_config_that_changes_nothing_in_a_tree_still_changes_the_image(steps: Steps) -> None:
    """S16: CVE-2024-24557."""
    ids = [
        steps.run(f"FROM scratch\nCOPY --from=box /bin /bin\n{line}").id
        for line in ("", "HEALTHCHECK CMD true", "HEALTHCHECK CMD false", "ONBUILD RUN true", "ONBUILD RUN false")
    ]
    assert len(set(ids)) == 5


def test_a_pulled_image_is_no_cache_for_another_dockerfile(steps: Steps) -> None:
    """S16: what another says of its history is not believed."""
    forged = steps.run("RUN echo forged > /made")
    steps.cache.forget(one.id for one in steps.cache.list_steps())
    assert forged.history[-1].created_by == "RUN /bin/sh -c echo forged > /made # buildkit"
    steps.run("RUN echo forged > /made")
    assert not steps.last_cached()
