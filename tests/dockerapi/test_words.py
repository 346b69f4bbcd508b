"""What docker's client says, read as it means it; what Capas does not have is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from capas.dockerapi.container_body import limits_of, spec_of
from capas.dockerapi.progress import draw_bar, human
from capas.dockerapi.raw import detach_keys, frame
from capas.errors import Invalid, Unsupported
from capas.run.limits import NO_LIMITS
from capas.run.mounts import ContainerMount
from capas.run.ports import Port


def body(**host: Any) -> dict[str, Any]:
    return {"Image": "busybox", "Cmd": ["true"], "HostConfig": host}


def test_what_dockers_client_sends_for_nothing_asks_for_nothing() -> None:
    quiet = {
        "BlkioWeight": 0, "BlkioDeviceReadBps": [], "CgroupParent": "", "Links": None, "MemorySwappiness": -1,
        "OomKillDisable": False, "UTSMode": "", "UsernsMode": "", "VolumesFrom": None, "CpuRealtimePeriod": 0,
    }  # fmt: skip
    assert spec_of(body(**quiet)) == spec_of(body())


@pytest.mark.parametrize(
    ("field", "value"),
    [("BlkioWeight", 300), ("Runtime", "runsc"),
     ("DeviceRequests", [{"Driver": "nvidia"}]), ("Unheard", "of")],
)  # fmt: skip
def test_a_field_that_says_something_new_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(Unsupported, match=f"HostConfig.{field}"):
        spec_of(body(**{field: value}))


@pytest.mark.parametrize("given", [{"HostConfig": 3}, {"HostConfig": {"Ulimits": [{"Name": "x"}]}}, {"Labels": [1]}])
def test_values_of_the_wrong_kind_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        spec_of({"Image": "busybox", **given})


def test_mounts_of_every_form_are_one_kind() -> None:
    spec = spec_of(
        {
            **body(
                Binds=["/host:/a:ro"], Tmpfs={"/t": "size=1m"},
                Mounts=[{"Type": "volume", "Source": "data", "Target": "/v", "ReadOnly": True}],
            ),
            "Volumes": {"/anonymous": {}},
        }
    )  # fmt: skip
    assert {(one.type, one.source, one.target, one.read_only) for one in spec.mounts} == {
        ("bind", "/host", "/a", True), ("tmpfs", "", "/t", False), ("volume", "data", "/v", True),
        ("volume", "", "/anonymous", False),
    }  # fmt: skip
    assert all(isinstance(one, ContainerMount) for one in spec.mounts)


def test_ports_and_limits_are_read() -> None:
    bindings = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}], "53/udp": [{"HostPort": ""}]}
    spec = spec_of(body(PortBindings=bindings, CpuQuota=150_000, CpuPeriod=100_000, Memory=1 << 26))
    assert set(spec.ports) == {Port(80, "tcp", "127.0.0.1", 8080), Port(53, "udp")}
    assert (spec.limits.nano_cpus, spec.limits.memory) == (1_500_000_000, 1 << 26)


def test_an_update_changes_what_it_says_and_nothing_else() -> None:
    before = NO_LIMITS._replace(memory=1 << 26, pids=10)
    assert limits_of({"Memory": 1 << 27}, before) == before._replace(memory=1 << 27)


@pytest.mark.parametrize(
    ("text", "tty", "keys"),
    [
        (None, True, b"\x10\x11"),
        (None, False, b""),
        ("ctrl-a,b", True, b"\x01b"),
        ("ctrl-@", True, b"\0"),
        ("ctrl-@", False, b""),
        ("", True, b"\x10\x11"),
    ],
)
def test_detach_keys_are_dockers(text: str | None, tty: bool, keys: bytes) -> None:
    assert detach_keys(text, tty=tty) == keys


def test_a_frame_has_dockers_head() -> None:
    assert frame(2, b"err") == b"\x02\0\0\0\0\0\0\x03err"


def test_the_bar_is_dockers() -> None:
    assert human(1_234_567) == "1.235MB"
    assert draw_bar(50, 100) == "[" + "=" * 25 + ">" + " " * 25 + "]      50B/100B"
    assert draw_bar(100, 100) == "[" + "=" * 50 + ">]     100B/100B"
