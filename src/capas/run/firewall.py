"""The host's packet filter: containers reach the world, and the world their published ports. nft, or else iptables."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

from capas.errors import Unsupported
from capas.run.netlink import has_nft_table
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

    def open(self, key: str, subnet: str, address: str, ports: Sequence[Port]) -> None:
        """Let the container at `address` out, and its ports in. `key` names its rules. Idempotent for the subnet."""
        if self._nft:
            if not ports and _is_open(subnet):
                return
            _feed([self._nft, "-f", "-"], _nft_rules(key, subnet, address, ports))
            return
        out = _masquerade(subnet)
        if not self._ask(["-C", *out]):
            self._tell(["-A", *out])
        for rule in _forwards(key, address, ports):
            self._tell(["-A", *rule])

    def close(self, key: str, address: str, ports: Sequence[Port]) -> None:
        """Take a container's rules away. Idempotent."""
        if not ports:
            return
        if self._nft:
            _quiet([self._nft, "delete", "table", "ip", f"{_TABLE}-{key}"])
            return
        for rule in _forwards(key, address, ports):
            self._ask(["-D", *rule])

    def _ask(self, words: list[str]) -> bool:
        return _quiet([str(self._iptables), "-w", "-t", "nat", *words])

    def _tell(self, words: list[str]) -> None:
        if not self._ask(words):
            raise Unsupported("iptables refuses a rule for the container's network", hint="use --network=host")


def _is_open(subnet: str) -> bool:
    try:
        return has_nft_table(_table_of(subnet))
    except OSError:
        return False


def _table_of(subnet: str) -> str:
    """A table for each network: they come and go apart."""
    return f"{_TABLE}-{subnet.replace('/', '-')}"


def _nft_rules(key: str, subnet: str, address: str, ports: Sequence[Port]) -> str:
    table = _table_of(subnet)
    lines = [
        f"table ip {table}", f"delete table ip {table}", f"table ip {table} {{", "chain out {",
        "type nat hook postrouting priority 100; policy accept;",
        f"ip saddr {subnet} ip daddr != {subnet} masquerade", "}", "}",
    ]  # fmt: skip
    if ports:
        lines += [f"table ip {_TABLE}-{key} {{", "chain in {", "type nat hook prerouting priority -100; policy accept;"]
        for port in ports:
            to = f"ip daddr {port.address}" if port.address and ":" not in port.address else "fib daddr type local"
            lines.append(f"{to} {port.protocol} dport {port.host_port} dnat to {address}:{port.container_port}")
        lines += ["}", "}"]
    return "\n".join(lines) + "\n"


def _masquerade(subnet: str) -> list[str]:
    return ["POSTROUTING", "-s", subnet, "!", "-d", subnet, "-j", "MASQUERADE"]


def _forwards(key: str, address: str, ports: Sequence[Port]) -> list[list[str]]:
    return [
        ["PREROUTING", *(["-d", port.address] if port.address else ["-m", "addrtype", "--dst-type", "LOCAL"]),
         "-p", port.protocol, "--dport", str(port.host_port), "-m", "comment", "--comment", f"{_TABLE}-{key}",
         "-j", "DNAT", "--to-destination", f"{address}:{port.container_port}"]
        for port in ports if ":" not in port.address
    ]  # fmt: skip


def _feed(command: list[str], text: str) -> None:
    done = subprocess.run(command, input=text.encode(), capture_output=True, env={}, check=False)
    if done.returncode != 0:
        raise Unsupported(
            "nft refuses the rules of the container's network: {why}",
            why=done.stderr.decode(errors="replace").strip()[:300], hint="use --network=host",
        )  # fmt: skip


def _quiet(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, env={}, check=False).returncode == 0
