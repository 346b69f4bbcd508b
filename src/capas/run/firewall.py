"""The host's packet filter, by nft or else iptables: containers reach the world, and the world their published ports.

Of each network: what its containers send goes out under the host's name; nothing comes in that they did not ask for,
from other networks neither, but what was published. What goes from one of our networks to a published port of another
is not turned here: the listener on the host itself (`run.proxy`) passes it on.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

from capas.errors import Unsupported
from capas.run.bridge import BridgeSettings
from capas.run.netlink import GROUP, has_nft_table
from capas.run.ports import Port

_PLACES = "/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin:/usr/local/bin"
_TABLE = "capas"


class Firewall:
    """The rules of Capas, through whichever program is there. Raises: Unsupported where neither is."""

    def __init__(self) -> None:
        self._nft = shutil.which("nft", path=_PLACES)
        self._iptables = shutil.which("iptables", path=_PLACES)
        if not (self._nft or self._iptables):
            raise Unsupported(
                "a bridge network needs nft or iptables", hint="apt-get install nftables, or use --network=host"
            )

    def open(self, bridge: BridgeSettings) -> None:
        """The rules of a network. Idempotent."""
        if self._nft:
            if not _is_open(bridge):
                _feed([self._nft, "-f", "-"], "\n".join(nft_network(bridge)) + "\n")
        elif not self._ask(["-C", *_jump(bridge)]):
            _feed([f"{self._iptables}-restore", "--noflush", "-w"], "\n".join(iptables_network(bridge)) + "\n")

    def close(self, bridge: BridgeSettings) -> None:
        """Take the rules of a network away. Idempotent."""
        if self._nft:
            _quiet([self._nft, "delete", "table", "ip", f"{_TABLE}-{bridge.name}"])
            return
        chain = f"{_TABLE}-{bridge.name}"
        while self._ask(["-D", *_jump(bridge)]):
            continue
        for words in (["-F", chain], ["-X", chain]):
            self._ask(words)
        while self._ask(["-t", "nat", "-D", *_masquerade(bridge)]):
            continue  # once for each time that the others had been flushed

    def publish(self, key: str, address: str, ports: Sequence[Port]) -> None:
        """Let others in to the container at `address`. `key` names its rules."""
        if not ports:
            return
        if self._nft:
            _feed([self._nft, "-f", "-"], "\n".join(nft_ports(key, address, ports)) + "\n")
            return
        for rule in _forwards(key, address, ports):
            if not self._ask(["-t", "nat", "-A", *rule]):
                raise Unsupported("iptables refuses a rule for the container's network", hint="use --network=host")

    def unpublish(self, key: str, address: str, ports: Sequence[Port]) -> None:
        """Take a container's rules away. Idempotent."""
        if not ports:
            return
        if self._nft:
            _quiet([self._nft, "delete", "table", "ip", f"{_TABLE}-{key}"])
            return
        for rule in _forwards(key, address, ports):
            self._ask(["-t", "nat", "-D", *rule])

    def turn(self, address: str, numbers: Sequence[tuple[str, int, int]]) -> None:
        """In this thread's namespace: what is sent to `address` at a port goes to another. (protocol, port, other)."""
        if self._nft:
            rules = [f"ip daddr {address} {kind} dport {port} dnat to {address}:{to}" for kind, port, to in numbers]
            head = [f"table ip {_TABLE} {{", "chain turned {", "type nat hook output priority -100; policy accept;"]
            _feed([self._nft, "-f", "-"], "\n".join([*head, *rules, "}", "}"]) + "\n")
            return
        rules = [f"-A OUTPUT -d {address} -p {kind} --dport {port} -j DNAT --to-destination {address}:{to}"
                 for kind, port, to in numbers]  # fmt: skip
        _feed([f"{self._iptables}-restore", "-w"], "\n".join(["*nat", *rules, "COMMIT"]) + "\n")

    def _ask(self, words: list[str]) -> bool:
        return _quiet([str(self._iptables), "-w", *words])


def _is_open(bridge: BridgeSettings) -> bool:
    try:
        return has_nft_table(f"{_TABLE}-{bridge.name}")
    except OSError:
        return False


def nft_network(bridge: BridgeSettings) -> list[str]:
    """nft's rules of a network."""
    name, subnet = bridge.name, bridge.subnet
    lines = [f"table ip {_TABLE}-{name} {{", "chain through {", "type filter hook forward priority 0; policy accept;",
             f'iifname "{name}" oifname "{name}" accept']  # fmt: skip
    if bridge.internal:
        lines += [f'iifname "{name}" drop']
    else:
        lines += [f'oifname "{name}" ct state established,related accept', f'oifname "{name}" ct status dnat accept']
    lines += [f'oifname "{name}" drop', "}"]
    if bridge.masquerade and not bridge.internal:
        lines += ["chain out {", "type nat hook postrouting priority 100; policy accept;",
                  f'ip saddr {subnet} oifname != "{name}" masquerade', "}"]  # fmt: skip
    return [*lines, "}"]


def nft_ports(key: str, address: str, ports: Sequence[Port]) -> list[str]:
    """nft's rules of a container's published ports."""
    lines = [f"table ip {_TABLE}-{key} {{", "chain in {", "type nat hook prerouting priority -100; policy accept;"]
    for port in ports:
        if ":" not in port.address:
            to = f"ip daddr {port.address}" if port.address else "fib daddr type local"
            lines.append(f"iifgroup != {GROUP} {to} {port.protocol} dport {port.host_port} "
                         f"dnat to {address}:{port.container_port}")  # fmt: skip
    return [*lines, "}", "}"]


def iptables_network(bridge: BridgeSettings) -> list[str]:
    """iptables-restore's words for the same; the jump comes last, and tells that all of it is there."""
    name, chain = bridge.name, f"{_TABLE}-{bridge.name}"
    nat = ["*nat", f"-A {' '.join(_masquerade(bridge))}", "COMMIT"]
    rules = [f"-i {name} -o {name} -j ACCEPT"]
    if bridge.internal:
        rules += [f"-i {name} -j DROP"]
    else:
        rules += [f"-o {name} -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT",
                  f"-i {name} -m devgroup ! --dst-group {GROUP} -j ACCEPT"]  # fmt: skip
    rules += [f"-o {name} -j DROP"]
    lines = ["*filter", f":{chain} - [0:0]", *(f"-A {chain} {rule}" for rule in rules), f"-I {' '.join(_jump(bridge))}"]
    return [*(nat if bridge.masquerade and not bridge.internal else []), *lines, "COMMIT"]


def _jump(bridge: BridgeSettings) -> list[str]:
    return ["FORWARD", "-j", f"{_TABLE}-{bridge.name}"]


def _masquerade(bridge: BridgeSettings) -> list[str]:
    return ["POSTROUTING", "-s", bridge.subnet, "!", "-o", bridge.name, "-j", "MASQUERADE"]


def _forwards(key: str, address: str, ports: Sequence[Port]) -> list[list[str]]:
    return [
        ["PREROUTING", "-m", "devgroup", "!", "--src-group", str(GROUP),
         *(["-d", port.address] if port.address else ["-m", "addrtype", "--dst-type", "LOCAL"]),
         "-p", port.protocol, "--dport", str(port.host_port), "-m", "comment", "--comment", f"{_TABLE}-{key}",
         "-j", "DNAT", "--to-destination", f"{address}:{port.container_port}"]
        for port in ports if ":" not in port.address
    ]  # fmt: skip


def _feed(command: list[str], text: str) -> None:
    done = subprocess.run(command, input=text.encode(), capture_output=True, env={}, check=False)
    if done.returncode != 0:
        raise Unsupported(
            "{program} refuses the rules of the container's network: {why}", program=command[0].rpartition("/")[2],
            why=done.stderr.decode(errors="replace").strip()[:300], hint="use --network=host",
        )  # fmt: skip


def _quiet(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, env={}, check=False).returncode == 0
