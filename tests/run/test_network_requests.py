"""What can be asked of a network, and of a container's place on it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from capas.engine.container_networks import read_networks
from capas.errors import CapasError, Conflict, Exhausted, Invalid, NotFound, Unsupported
from capas.run.bridge import BridgeSettings
from capas.run.claims import claim
from capas.run.endpoint import Endpoint, check_endpoint
from capas.run.leases import Leases
from capas.run.network_options import BINDING, MASQUERADE, MTU, NAME, TALKING, NetworkRequest
from capas.run.networks import Networks
from capas.run.record import Record
from capas.run.settling import settle
from capas.run.spec import ContainerSpec, dump_spec, load_spec

root = pytest.mark.root
PLAIN = Endpoint("")
SMALL = BridgeSettings("test0", "10.1.2.0/28", "small", "ab")


def made(tmp_path: Path, request: NetworkRequest, name: str = "one") -> BridgeSettings:
    return Networks(tmp_path).create(name, request, id="ab" * 32, now_ns=1, build=False).settings


def test_options_make_the_bridge(tmp_path: Path) -> None:
    options = {NAME: "br-x", TALKING: "false", MASQUERADE: "0", BINDING: "127.0.0.1", MTU: "1400"}
    bridge = made(tmp_path, NetworkRequest(options=options, internal=True))
    assert (bridge.name, bridge.talking, bridge.masquerade, bridge.binding, bridge.mtu, bridge.internal) == (
        "br-x", False, False, "127.0.0.1", 1400, True)  # fmt: skip


@pytest.mark.parametrize(
    "request_",
    [
        NetworkRequest(options={NAME: "a b"}),
        NetworkRequest(options={NAME: "x" * 16}),
        NetworkRequest(options={TALKING: "perhaps"}),
        NetworkRequest(options={MTU: "7"}),
        NetworkRequest(options={BINDING: "here"}),
        NetworkRequest(gateway="10.1.0.1"),
        NetworkRequest(subnet="10.1.0.0/24", gateway="10.2.0.1"),
        NetworkRequest(subnet="10.1.0.0/24", ip_range="10.2.0.0/25"),
        NetworkRequest(subnet="10.1.0.0/24", ip_range="10.1.0.1/25"),
        NetworkRequest(subnet="10.1.0.0/24", aux={"a": "x"}),
        NetworkRequest(subnet="::/64"),
    ],
)
def test_what_cannot_be_is_invalid(tmp_path: Path, request_: NetworkRequest) -> None:
    with pytest.raises(Invalid):
        made(tmp_path, request_)


@pytest.mark.parametrize(
    "request_", [NetworkRequest(driver="overlay"), NetworkRequest(ipv6=True), NetworkRequest(options={"x.y": "1"})]
)
def test_what_capas_has_not_is_unsupported(tmp_path: Path, request_: NetworkRequest) -> None:
    with pytest.raises(Unsupported):
        made(tmp_path, request_)


def test_subnets_come_from_the_pools_until_they_are_used_up(tmp_path: Path) -> None:
    networks = Networks(tmp_path, pools=[("10.201.0.0/23", 24)])
    found = [networks.create(name, id=name * 64, now_ns=1, build=False).subnet for name in ("a", "b")]
    assert found == ["10.201.0.0/24", "10.201.1.0/24"]
    with pytest.raises(Exhausted, match="all predefined address pools"):
        networks.create("c", id="c" * 64, now_ns=1, build=False)


def test_a_subnet_that_the_host_routes_is_passed_over(tmp_path: Path) -> None:
    networks = Networks(tmp_path / "x", pools=[(_routed_here(), 24)])
    with pytest.raises(Exhausted):
        networks.create("one", id="ab" * 32, now_ns=1, build=False)


def _routed_here() -> str:
    import ipaddress

    rows = (line.split() for line in Path("/proc/net/route").read_text().splitlines()[1:])
    for fields in rows:
        if fields[1] != "00000000":
            address = int.from_bytes(bytes.fromhex(fields[1]), "little")
            return str(ipaddress.IPv4Network((address, 24), strict=False))
    pytest.skip("this machine routes nothing but its default")


def test_two_networks_do_not_share_a_bridge(tmp_path: Path) -> None:
    networks = Networks(tmp_path)
    networks.create("one", NetworkRequest(options={NAME: "br-x"}), id="a" * 64, now_ns=1, build=False)
    with pytest.raises(Conflict, match="br-x"):
        networks.create("two", NetworkRequest(options={NAME: "br-x"}), id="b" * 64, now_ns=1, build=False)


# addresses


def test_an_address_is_given_once_until_its_container_ends(tmp_path: Path) -> None:
    leases = Leases(SMALL, tmp_path / "leases")
    with claim(tmp_path / "live", "a") as first, claim(tmp_path / "live", "b") as second:
        assert leases.take(first.folder, ()).address == "10.1.2.2"
        assert leases.take(second.folder, ()).address == "10.1.2.3"
        with pytest.raises(Conflict, match="Address already in use"):
            leases.take(second.folder, (), "10.1.2.2")
    with claim(tmp_path / "live", "c") as third:  # the others ended without a word
        assert leases.take(third.folder, (), "10.1.2.2").address == "10.1.2.2"


def test_addresses_are_taken_from_the_range_and_never_the_reserved_ones(tmp_path: Path) -> None:
    bridge = SMALL._replace(ip_range="10.1.2.8/30", reserved=("10.1.2.8",), host="10.1.2.9")
    leases = Leases(bridge, tmp_path / "leases")
    with claim(tmp_path / "live", "a") as first, claim(tmp_path / "live", "b") as second:
        assert leases.take(first.folder, ()).address == "10.1.2.10"
        assert leases.take(second.folder, ()).address == "10.1.2.11"
        with claim(tmp_path / "live", "c") as third, pytest.raises(Exhausted):
            leases.take(third.folder, ())


def test_addresses_are_given_once_to_many_at_a_time(tmp_path: Path) -> None:
    bridge = SMALL._replace(subnet="10.1.2.0/26")
    claims = [claim(tmp_path / "live", str(number)) for number in range(40)]
    together = threading.Barrier(8)

    def take(number: int) -> str:
        if number < 8:
            together.wait(10)
        return Leases(bridge, tmp_path / "leases").take(claims[number].folder, ("x",)).address

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(take, range(40)))
    for each in claims:
        each.release()
    assert len(set(found)) == 40


# what containers ask for


def _nobody(reference: str) -> Record:
    raise NotFound("no such container: {container}", container=reference)


def test_the_flags_of_docker_say_the_mode_and_what_is_asked_for_there() -> None:
    assert read_networks((), PLAIN) == ("", ())
    assert read_networks("host", PLAIN) == ("host", ())
    assert read_networks(["default"], PLAIN) == ("", ())
    assert read_networks(["a", "b"], PLAIN) == ("a", (Endpoint("a"), Endpoint("b")))
    long = "name=a,alias=x,alias=y,ip=10.0.0.9,mac-address=02:00:00:00:00:01,gw-priority=-1"
    assert read_networks([long], PLAIN) == (
        "a", (Endpoint("a", ("x", "y"), "10.0.0.9", "02:00:00:00:00:01", priority=-1),))  # fmt: skip
    assert read_networks(["a", "b"], Endpoint("", ("x",))) == ("a", (Endpoint("a", ("x",)), Endpoint("b")))


@pytest.mark.parametrize("texts", [["name=a,colour=red"], ["alias=x"], ["name=a,gw-priority=x"]])
def test_a_flag_that_cannot_be_read_is_said(texts: list[str]) -> None:
    with pytest.raises(Invalid):
        read_networks(texts, PLAIN)


def test_a_flag_and_the_long_form_do_not_say_the_same() -> None:
    with pytest.raises(Invalid, match="conflicting options"):
        read_networks(["name=a,ip=10.0.0.9"], Endpoint("", address="10.0.0.8"))


@pytest.mark.parametrize(
    "endpoint", [Endpoint("a", address="x"), Endpoint("a", mac="x"), Endpoint("a", mac="01:00:00:00:00:01"),
                 Endpoint("a", links=(":x",))]
)  # fmt: skip
def test_an_endpoint_that_cannot_be_is_invalid(endpoint: Endpoint) -> None:
    with pytest.raises(Invalid):
        check_endpoint(endpoint)


@root
@pytest.mark.parametrize(
    ("network", "endpoints", "said"),
    [
        ("host", (Endpoint("a"),), "cannot attach both"),
        ("bridge", (Endpoint("bridge", ("x",)),), "network-scoped aliases"),
        ("bridge", (Endpoint("bridge", address="10.86.0.9"),), "user specified IP address"),
        ("a", (Endpoint("a", address="10.9.9.9"),), "no configured subnet contains IP address 10.9.9.9"),
        ("a", (Endpoint("a"), Endpoint("a")), "specified multiple times"),
        ("bridge", (Endpoint("bridge", links=("a:b",)),), "links are not supported on the default network"),
    ],
)
def test_what_does_not_go_together_is_refused(
    tmp_path: Path, network: str, endpoints: tuple[Endpoint, ...], said: str
) -> None:
    networks = Networks(tmp_path)
    networks.create("a", NetworkRequest(subnet="10.1.2.0/24"), id="a" * 64, now_ns=1, build=False)
    with pytest.raises(CapasError, match=said):
        settle(ContainerSpec(network=network, endpoints=endpoints), networks.bridge_of, _nobody)


def test_a_container_of_before_is_on_the_network_that_it_was_made_for() -> None:
    values = dump_spec(ContainerSpec(network="a"))
    del values["endpoints"]
    assert load_spec(values | {"aliases": ["db"]}).endpoints == (Endpoint("a", ("db",)),)
    assert load_spec(values | {"network": ""}).endpoints == (Endpoint("bridge"),)
    assert load_spec(values | {"network": "host"}).endpoints == ()


@root
def test_a_network_by_its_id_is_known_by_its_name(tmp_path: Path) -> None:
    networks = Networks(tmp_path)
    networks.create("a", id="a" * 64, now_ns=1, build=False)
    spec = settle(ContainerSpec(network="aaaa", endpoints=(Endpoint("bridge"),)), networks.bridge_of, _nobody)
    assert [one.network for one in spec.endpoints] == ["a", "bridge"]
