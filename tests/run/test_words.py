"""What docker's flags say: mounts, ports, sizes, capabilities, signals, hosts, times."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from capas.errors import Invalid, Unsupported
from capas.oci.config import Execution
from capas.run.ages import duration
from capas.run.capabilities import ALL, DEFAULT, choose_capabilities, grantable
from capas.run.cgroups import Cgroups, read_cgroups
from capas.run.devices import parse_device
from capas.run.filter import compiled
from capas.run.limits import Limits, check_limits, parse_cpus, parse_size, resources_of
from capas.run.mounts import ContainerMount, parse_mount, parse_tmpfs, parse_volume
from capas.run.naming import hosts, parse_host, resolv_conf
from capas.run.ports import Port, check_ports, parse_exposed, parse_ports
from capas.run.seccomp import default_profile
from capas.run.security import parse_security
from capas.run.signals import parse_signal
from capas.run.spec import ContainerSpec, check_spec, dump_spec, load_spec, with_image
from capas.run.times import format_time, parse_time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/data", ContainerMount("volume", "", "/data")),
        ("name:/data", ContainerMount("volume", "name", "/data")),
        ("name:/data:ro,nocopy", ContainerMount("volume", "name", "/data", read_only=True, no_copy=True)),
        ("/a:/b", ContainerMount("bind", "/a", "/b", create=True)),
        ("./a:/b/../c:ro,rslave", ContainerMount("bind", "/base/a", "/c", True, "rslave", create=True)),
    ],
)
def test_volumes_are_read_as_docker_reads_them(text: str, expected: ContainerMount) -> None:
    assert parse_volume(text, base="/base") == expected


@pytest.mark.parametrize(
    "text", ["", ":", "a:", ":/b", "a:b", "/a:/b:rx", "/a:/b:ro:x", "../etc:relative", "/a:/", "a/b:/c"]
)
def test_volumes_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_volume(text)


def test_mounts_are_read_in_full() -> None:
    assert parse_mount("type=bind,source=/a,target=/b,readonly") == ContainerMount("bind", "/a", "/b", read_only=True)
    assert parse_mount("type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1777").options == ("size=1048576", "mode=1777")
    assert parse_mount("src=v,dst=/t,volume-nocopy=true") == ContainerMount("volume", "v", "/t", no_copy=True)


@pytest.mark.parametrize(
    "text",
    ["type=bind,target=/b", "type=bind,src=/a", "type=ftp,dst=/x", "type=bind,src=/a,dst=/b,evil=1",
     "type=bind,src=/a,dst=/b,bind-propagation=rprivate+src", "type=tmpfs,dst=/t,src=/etc", "dst=/a,dst=/b",
     "type=bind,src=/a,dst=/b,readonly=perhaps", "src=../x,dst=/y"],
)  # fmt: skip
def test_unknown_and_ill_options_are_never_passed_over(text: str) -> None:
    with pytest.raises(Invalid):
        parse_mount(text)


def test_tmpfs_options_are_checked() -> None:
    assert parse_tmpfs("/t:size=64m,exec").options == ("size=64m", "exec")
    with pytest.raises(Invalid):
        parse_tmpfs("/t:lowerdir=/etc")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80", [Port(80)]), ("8080:80", [Port(80, host_port=8080)]),
        ("127.0.0.1:8080:80/udp", [Port(80, "udp", "127.0.0.1", 8080)]),
        ("127.0.0.1::80", [Port(80, "tcp", "127.0.0.1", 0)]), ("[::1]:1:2", [Port(2, "tcp", "::1", 1)]),
        ("8000-8001:80-81", [Port(80, host_port=8000), Port(81, host_port=8001)]), ("90-91", [Port(90), Port(91)]),
    ],
)  # fmt: skip
def test_ports_are_read_as_docker_reads_them(text: str, expected: list[Port]) -> None:
    assert parse_ports(text) == expected


@pytest.mark.parametrize(
    "text", ["", "0", "65536", "a", "80/icmp", "1-2:3", "5-4", "1:2:3:4", "host:1:2", "-1", "٨٠", "80:"]
)
def test_ports_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_ports(text)


def test_a_port_published_twice_is_refused() -> None:
    with pytest.raises(Invalid):
        check_ports([Port(80, host_port=1), Port(81, host_port=1)])


def test_exposed_ports_may_be_ranges() -> None:
    assert parse_exposed("80-81/udp") == [(80, "udp"), (81, "udp")]


def test_sizes_and_processors() -> None:
    assert [parse_size(text) for text in ("1", "2k", "512m", "1.5g", "1GiB", "10b")] == [
        1, 2048, 512 << 20, 3 << 29, 1 << 30, 10]  # fmt: skip
    assert [parse_cpus(text) for text in ("1", "0.5", ".25", "1.000000001")] == [
        10**9,
        5 * 10**8,
        25 * 10**7,
        10**9 + 1,
    ]
    for text in ("", "-1", "1x", "1e9", "9" * 30):
        with pytest.raises(Invalid):
            parse_size(text)
        with pytest.raises(Invalid):
            parse_cpus(text + "!")


def test_limits_that_the_machine_cannot_hold_are_refused() -> None:
    with pytest.raises(Unsupported):
        check_limits(Limits(memory=1 << 30), Cgroups("none"))
    check_limits(Limits(), Cgroups("none"))
    assert resources_of(Limits(memory=1, nano_cpus=5 * 10**8, pids=7)) == {
        "memory": {"limit": 1}, "cpu": {"quota": 50_000, "period": 100_000}, "pids": {"limit": 7}}  # fmt: skip


def test_the_layout_of_cgroups_is_read_from_mountinfo() -> None:
    v2 = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"
    v1 = "33 31 0:30 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids"
    assert read_cgroups(v2).layout == "v2"
    assert read_cgroups(v1).layout == "v1"
    assert read_cgroups(f"{v1}\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw").layout == "hybrid"
    assert read_cgroups("1 1 0:1 / / rw - ext4 /dev/sda rw").layout == "none"


def test_capabilities_are_chosen_by_dockers_rules() -> None:
    assert set(choose_capabilities((), ())) == set(DEFAULT)
    assert len(DEFAULT) == 14
    assert choose_capabilities((), ("all",)) == ()
    assert choose_capabilities(("net_admin",), ("ALL",)) == ("CAP_NET_ADMIN",)
    assert choose_capabilities(("ALL",), ("CAP_SYS_ADMIN",)) == tuple(c for c in ALL if c != "CAP_SYS_ADMIN")
    assert grantable(("CAP_CHOWN", "CAP_BPF"), 1) == ("CAP_CHOWN",)
    with pytest.raises(Invalid):
        choose_capabilities(("fly",), ())


def test_the_profile_holds_what_docker_holds() -> None:
    profile = default_profile(DEFAULT, "amd64")
    allowed = set(profile["syscalls"][0]["names"])
    assert {"openat2", "clone3", "mount", "bpf", "keyctl", "io_uring_setup", "reboot"} & allowed == {"openat2"}
    assert "chroot" in allowed
    assert "mount" in default_profile(ALL, "amd64")["syscalls"][0]["names"]
    assert profile["defaultErrnoRet"] == 1


def test_the_compiled_filter_is_kept(tmp_path: Path) -> None:
    profile = default_profile(DEFAULT, "amd64")
    first = compiled(profile, tmp_path)
    assert first is not None
    assert compiled(json.loads(json.dumps(profile)), tmp_path) == first
    assert len(list(tmp_path.iterdir())) == 1


def test_a_profile_with_an_unknown_action_is_left_to_the_runtime(tmp_path: Path) -> None:
    assert compiled({"defaultAction": "SCMP_ACT_TRACE"}, tmp_path) is None


@pytest.mark.parametrize(
    ("text", "number"), [("SIGTERM", 15), ("term", 15), ("9", 9), ("SIGRTMIN+3", 37), ("rtmax", 64)]
)
def test_signals_have_names_and_numbers(text: str, number: int) -> None:
    assert parse_signal(text) == number


@pytest.mark.parametrize("text", ["", "0", "65", "SIGNOPE", "-9", "SIG_IGN", "TERM;reboot", "RTMIN+99"])
def test_signals_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_signal(text)


def test_security_options_are_known_or_refused() -> None:
    assert parse_security(ContainerSpec(security_opt=("no-new-privileges",))).no_new_privileges
    assert parse_security(ContainerSpec(security_opt=("seccomp=unconfined",))).seccomp == "unconfined"
    assert parse_security(ContainerSpec()).seccomp == "default"
    with pytest.raises(Invalid):
        parse_security(ContainerSpec(security_opt=("seccmp=unconfined",)))
    with pytest.raises(Unsupported):
        parse_security(ContainerSpec(security_opt=("apparmor=mine",)))


def test_an_images_defaults_give_way_to_what_is_asked() -> None:
    image = Execution(entrypoint=("/entry",), cmd=("default",), env=("A=1", "B=2"), user="ana", working_dir="/w",
                      volumes={"/../../etc": {}}, exposed_ports={"80/tcp": {}}, stop_signal="SIGQUIT")  # fmt: skip
    made = with_image(ContainerSpec(env={"B": "3"}), image)
    assert made.command == ("/entry", "default")
    assert dict(made.env) | {"PATH": ""} == {"PATH": "", "A": "1", "B": "3"}
    assert (made.user, made.workdir, made.stop_signal, made.exposed) == ("ana", "/w", "SIGQUIT", ("80/tcp",))
    assert [mount.target for mount in made.mounts] == ["/etc"]
    assert with_image(ContainerSpec(args=("x",)), image).command == ("/entry", "x")
    assert with_image(ContainerSpec(entrypoint=("sh",)), image).command == ("sh",)
    assert with_image(ContainerSpec(entrypoint=("",), args=("ls",)), image).command == ("ls",)


def test_an_image_without_a_command_needs_one() -> None:
    with pytest.raises(Invalid, match="no command"):
        with_image(ContainerSpec(), Execution())


def test_a_spec_survives_its_record() -> None:
    spec = ContainerSpec(
        image="x", args=("a",), entrypoint=(), env={"A": "b"}, mounts=(parse_volume("v:/x"),), ports=(Port(80),),
        limits=Limits(memory=5), ulimits=(("nofile", 1, 2),), labels={"l": "{format} %s"},
    )  # fmt: skip
    assert load_spec(json.loads(json.dumps(dump_spec(spec)))) == spec


@pytest.mark.parametrize(
    "spec",
    [ContainerSpec(restart="sometimes"), ContainerSpec(hostname="a b"), ContainerSpec(env={"": "x"}),
     ContainerSpec(args=("a\0b",)), ContainerSpec(mounts=(parse_volume("a:/x"), parse_volume("b:/x")))],
)  # fmt: skip
def test_a_spec_that_cannot_be_is_refused(spec: ContainerSpec) -> None:
    with pytest.raises(Invalid):
        check_spec(spec)


def test_hosts_are_added_by_address_only() -> None:
    assert parse_host("db:10.0.0.1") == ("db", "10.0.0.1")
    assert parse_host("db=::1") == ("db", "::1")
    assert parse_host("h:host-gateway", "10.1.1.1") == ("h", "10.1.1.1")
    for text in ("db", "db:x", "a b:1.1.1.1", ":1.1.1.1"):
        with pytest.raises(Invalid):
            parse_host(text)
    assert "127.0.0.1\tlocalhost" in hosts(())


def test_resolvers_that_are_asked_for_take_the_place_of_the_hosts() -> None:
    text = resolv_conf(("9.9.9.9",), ("example.org",), own_network=True)
    assert [line for line in text.splitlines() if line.startswith("nameserver")] == ["nameserver 9.9.9.9"]
    assert "search example.org" in text


def test_devices_must_be_devices() -> None:
    assert parse_device("/dev/null:/dev/x:rw")[:2] == ("/dev/x", "c")
    with pytest.raises(Invalid):
        parse_device("null")


def test_times_are_written_with_nanoseconds_and_read_with_zones() -> None:
    assert format_time(0) == "0001-01-01T00:00:00Z"
    assert parse_time(format_time(1_500_000_000_123_456_789)) == 1_500_000_000_123_456_789
    assert parse_time("2017-07-14T04:40:00+02:00") == 1_500_000_000 * 10**9
    with pytest.raises(ValueError, match="not a time"):
        parse_time("yesterday")


def test_spans_are_told_in_dockers_words() -> None:
    second = 10**9
    spans = [0, 1, 59, 60, 3599, 3600, 7200, 86400 * 2, 86400 * 20, 86400 * 90]
    assert [duration(span * second) for span in spans] == [
        "Less than a second", "1 second", "59 seconds", "About a minute", "59 minutes", "About an hour", "2 hours",
        "2 days", "2 weeks", "3 months"]  # fmt: skip
