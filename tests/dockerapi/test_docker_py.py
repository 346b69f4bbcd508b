"""docker-py, as Python programs use it, on Capas."""

from __future__ import annotations

import io
import socket
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient
from docker.errors import APIError, BuildError, ContainerError, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.types import Healthcheck, LogConfig, Mount, Ulimit

pytestmark = [pytest.mark.root, pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]  # its own sockets


def run(client: DockerClient, command: str, **options: Any) -> str:
    """What a container prints that is removed at its end."""
    out = client.containers.run("busybox", ["sh", "-c", command], remove=True, **options)
    assert isinstance(out, bytes)
    return out.decode()


def started(client: DockerClient, command: str = "exec sleep 100", **options: Any) -> Container:
    return client.containers.run("busybox", ["sh", "-c", command], detach=True, **options)


def file_tar(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def test_run_gives_what_a_container_prints(client: DockerClient) -> None:
    assert run(client, "echo out") == "out\n"


def test_a_container_that_fails_is_its_error_with_code_and_words(client: DockerClient) -> None:
    with pytest.raises(ContainerError) as failed:
        run(client, "echo bad >&2; exit 3")
    assert (failed.value.exit_status, failed.value.stderr) == (3, b"bad\n")


def test_output_streams_line_by_line(client: DockerClient) -> None:
    out = client.containers.run("busybox", ["sh", "-c", "echo 1; echo 2"], remove=True, stream=True)
    assert b"".join(out) == b"1\n2\n"


@pytest.mark.parametrize(
    ("options", "command", "said"),
    [
        ({"domainname": "ex.org", "hostname": "box"}, "hostname -f; dnsdomainname; cat /proc/sys/kernel/domainname",
         "box.ex.org\nex.org\nex.org\n"),
        ({"uts_mode": "host"}, "hostname", f"{socket.gethostname()}\n"),
        ({"network_mode": "host"}, "hostname", f"{socket.gethostname()}\n"),
        ({"tmpfs": {"/scratch": "size=64m"}}, "mount | grep -c ' /scratch type tmpfs'", "1\n"),
        ({"ulimits": [Ulimit(name="nofile", soft=100, hard=200)]}, "ulimit -n", "100\n"),
        ({"cap_add": ["NET_ADMIN"], "cap_drop": ["ALL"]}, "grep CapEff /proc/self/status",
         "CapEff:\t0000000000001000\n"),
        ({"security_opt": ["no-new-privileges"]}, "grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t1\n"),
        ({"devices": ["/dev/null:/dev/other:rwm"]}, "echo x > /dev/other; echo $?", "0\n"),
        ({"extra_hosts": {"db": "10.0.0.9"}}, "grep -c '10.0.0.9.db' /etc/hosts", "1\n"),
        ({"dns": ["9.9.9.9"]}, "grep -c 'nameserver 9.9.9.9' /etc/resolv.conf", "1\n"),
        ({"mac_address": "02:42:ac:11:00:55"}, "cat /sys/class/net/eth0/address", "02:42:ac:11:00:55\n"),
        ({"sysctls": {"net.core.somaxconn": 77}}, "cat /proc/sys/net/core/somaxconn", "77\n"),
        ({"user": "65534", "working_dir": "/tmp", "group_add": [7]}, "id -u; pwd; id -G", "65534\n/tmp\n65534 7\n"),
        ({"environment": {"A": 1}, "userns_mode": "host"}, "echo $A", "1\n"),
        ({"mounts": [Mount("/t", None, type="tmpfs", tmpfs_mode=0o1777)]}, "stat -c %a /t", "1777\n"),
    ],
)  # fmt: skip
def test_an_option_reaches_the_container(
    client: DockerClient, options: dict[str, Any], command: str, said: str
) -> None:
    assert run(client, command, **options) == said


def test_binds_are_read_write_or_read_only(client: DockerClient, tmp_path: Path) -> None:
    run(client, "echo hi > /m/f", volumes={str(tmp_path): {"bind": "/m", "mode": "rw"}})
    assert (tmp_path / "f").read_text() == "hi\n"
    with pytest.raises(ContainerError):
        run(client, "touch /m/f", volumes=[f"{tmp_path}:/m:ro"])


def test_a_field_that_would_be_passed_over_is_an_error_that_names_it(client: DockerClient) -> None:
    with pytest.raises(APIError, match="BlkioWeight"):
        run(client, "true", blkio_weight=300)


def test_input_alone_can_be_attached(client: DockerClient) -> None:
    box = started(client, "read a; echo got $a", stdin_open=True)
    stdin = box.attach_socket(params={"stdin": 1, "stream": 1})
    stdin._sock.sendall(b"hello\n")  # type: ignore[attr-defined]  # its own documents say so
    assert box.wait(timeout=30)["StatusCode"] == 0
    assert box.logs() == b"got hello\n"
    stdin.close()


def test_an_attached_stream_ends_with_the_container(client: DockerClient) -> None:
    box = client.containers.create("busybox", ["sh", "-c", "echo a; echo b >&2"])
    stream = box.attach(stream=True, demux=True)
    box.start()
    assert sorted(stream, key=str) == [(None, b"b\n"), (b"a\n", None)]


def test_exec_gives_code_streams_and_a_socket(client: DockerClient) -> None:
    box = started(client)
    assert box.exec_run("sh -c 'echo o; echo e >&2; exit 4'", demux=True) == (4, (b"o\n", b"e\n"))
    assert b"".join(box.exec_run("seq 2", stream=True).output) == b"1\n2\n"
    assert box.exec_run("sh -c 'echo $Q; pwd; id -u'", environment={"Q": "q"}, workdir="/tmp", user="1").output == (
        b"q\n/tmp\n1\n"
    )
    cat = box.exec_run("cat", stdin=True, socket=True).output
    cat._sock.sendall(b"in\n")
    cat._sock.shutdown(socket.SHUT_WR)
    assert cat.read() == b"\x01\0\0\0\0\0\0\x03in\n"
    cat.close()


def test_an_exec_without_streams_is_over_when_it_returns(client: DockerClient) -> None:
    assert started(client).exec_run("sh -c 'exit 6'", stdout=False, stderr=False).exit_code == 6


def test_files_go_in_and_out(client: DockerClient) -> None:
    box = client.containers.create("busybox", "true")
    assert box.put_archive("/tmp", file_tar("f", b"abc"))
    pieces, facts = box.get_archive("/tmp/f")
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
        member = tar.extractfile("f")
        assert member is not None and member.read() == b"abc"
    assert facts["size"] == 3
    assert {"Path": "/tmp/f", "Kind": 1} in box.diff()


def test_a_life_from_pause_to_rename_to_death(client: DockerClient) -> None:
    box = started(client, name="one", labels={"x": "y"})
    box.pause()
    box.reload()
    assert box.status == "paused"
    box.unpause()
    box.rename("two")
    box.update(mem_limit="64m", memswap_limit="64m")
    found = client.containers.list(filters={"label": "x=y", "status": "running"})
    assert [(one.name, one.attrs["HostConfig"]["Memory"]) for one in found] == [("two", 64 << 20)]
    box.restart(timeout=0)
    box.kill()
    assert box.wait(timeout=30)["StatusCode"] == 137
    box.remove(v=True)
    with pytest.raises(NotFound):
        box.reload()


def test_stats_come_once_and_as_a_stream(client: DockerClient) -> None:
    box = started(client)
    assert box.stats(stream=False)["pids_stats"]["current"] == 1
    stream = box.stats(stream=True, decode=True)
    assert next(stream)["id"] == next(stream)["id"] == box.id


def test_health_is_told(client: DockerClient) -> None:
    check = Healthcheck(test=["CMD", "true"], interval=100_000_000, timeout=10**9)
    box = started(client, healthcheck=check)
    limit = time.monotonic() + 30
    while box.health != "healthy" and time.monotonic() < limit:
        box.reload()
    assert box.health == "healthy"


def test_a_commit_takes_changes_and_a_config(client: DockerClient) -> None:
    box = started(client)
    image = box.commit("made", "1", changes=["ENV A=1"], conf={"Cmd": ["true"]}, author="me")
    assert (image.tags, image.attrs["Author"]) == (["made:1"], "me")
    assert image.attrs["Config"]["Cmd"] == ["true"] and "A=1" in image.attrs["Config"]["Env"]


def test_containers_of_a_network_find_each_other(client: DockerClient) -> None:
    network = client.networks.create("ours", labels={"a": "b"})
    box = started(client, name="server", network="ours")
    run(client, "ping -c1 -W5 server", network="ours")
    network.reload()
    assert [one.name for one in network.containers] == ["server"]
    with pytest.raises(APIError, match="active endpoints"):
        network.remove()
    box.remove(force=True)
    network.remove()


def test_volumes_are_made_found_and_pruned(client: DockerClient) -> None:
    volume = client.volumes.create("kept", labels={"a": "b"})
    run(client, "echo x > /d/f", volumes={"kept": {"bind": "/d", "mode": "rw"}})
    assert run(client, "cat /d/f", volumes=["kept:/d"]) == "x\n"
    assert [one.name for one in client.volumes.list(filters={"label": "a=b"})] == ["kept"]
    volume.remove()
    with pytest.raises(NotFound):
        client.volumes.get("kept")


def test_a_volume_can_be_a_directory_of_the_host(client: DockerClient, tmp_path: Path) -> None:
    volume = client.volumes.create("there", driver_opts={"type": "none", "o": "bind", "device": str(tmp_path)})
    run(client, "echo x > /d/f", volumes=["there:/d"])
    assert (tmp_path / "f").read_text() == "x\n"
    volume.remove()
    assert (tmp_path / "f").exists()
    with pytest.raises(APIError, match="nfs"):
        client.volumes.create("far", driver_opts={"type": "nfs", "device": ":/d"})


def test_a_container_sees_the_processes_of_another(client: DockerClient) -> None:
    box = started(client, "exec sleep 4321", name="first")
    assert "sleep 4321" in run(client, "ps", pid_mode="container:first")
    box.kill()
    with pytest.raises(APIError, match="non running"):
        run(client, "ps", pid_mode="container:first")


def test_a_container_takes_the_volumes_of_another(client: DockerClient, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    box = started(client, volumes=[f"{tmp_path}:/m", "/anonymous"], name="first")
    assert run(client, "cat /m/f; touch /m/f /anonymous/g || echo $?", volumes_from=["first:ro"]).startswith("x")
    other = started(client, volumes_from=["first"])
    box.exec_run("touch /anonymous/h")
    box.remove(force=True, v=True)
    assert other.exec_run("ls /anonymous").output == b"h\n"


def test_a_log_is_bounded_by_its_options(client: DockerClient) -> None:
    bounds = LogConfig(type="json-file", config={"max-size": "1k", "max-file": "2"})
    box = started(client, "for turn in $(seq 20); do seq 200; sleep 0.01; done; echo last", log_config=bounds)
    box.wait(timeout=30)
    lines = box.logs().split()
    assert 1 < len(lines) < 2000 and lines[-1] == b"last"
    assert box.logs(tail=5).split() == lines[-5:]
    box.reload()
    assert box.attrs["HostConfig"]["LogConfig"]["Config"] == {"max-size": "1k", "max-file": "2"}


def test_a_build_gives_image_and_log(client: DockerClient) -> None:
    text = b"FROM busybox\nARG A=1\nRUN echo $A > /f\nCMD cat /f\n"
    image, log = client.images.build(fileobj=io.BytesIO(text), tag="made:1", buildargs={"A": "7"}, labels={"l": "m"})
    assert image.tags == ["made:1"] and image.labels["l"] == "m"
    assert any("Successfully built" in line.get("stream", "") for line in log)
    assert client.containers.run("made:1", remove=True) == b"7\n"


def test_a_build_that_fails_is_its_error(client: DockerClient) -> None:
    with pytest.raises(BuildError, match="returned a non-zero code: 1"):
        client.images.build(fileobj=io.BytesIO(b"FROM busybox\nRUN false\n"))


def test_images_are_saved_loaded_and_tagged(client: DockerClient) -> None:
    image = client.images.get("busybox")
    assert image.tag("other", "1")
    data = b"".join(client.images.get("other:1").save(named="other:1"))
    client.images.remove("other:1")
    assert "other:1" in client.images.load(data)[0].tags


def test_a_pull_that_cannot_reach_its_registry_says_so(client: DockerClient) -> None:
    with pytest.raises(APIError, match="connection refused"):
        client.images.pull("127.0.0.1:1/nothing")


def test_an_image_that_is_not_here_is_its_error(client: DockerClient) -> None:
    with pytest.raises(ImageNotFound):
        client.images.get("nothing:1")


def test_events_are_told_as_they_happen(client: DockerClient) -> None:
    begun = int(time.time())
    box = client.containers.create("busybox", "true", name="box", labels={"k": "v"})
    box.start()
    box.wait(timeout=30)
    told = client.events(decode=True, filters={"type": "container", "label": "k=v"}, since=begun)
    assert [next(told)["Action"] for _ in range(3)] == ["create", "start", "die"]
    told.close()
