"""Names inside a container: its resolv.conf, hosts and hostname, written for it and bound over the image's."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from pathlib import Path

from capas.errors import Invalid

_SYSTEMD_UPSTREAM = "/run/systemd/resolve/resolv.conf"
_LIMIT = 64 * 1024
DOTS = "ndots:0"  # our own resolver is asked for names without a dot too


def resolvers() -> list[str]:
    """The name servers that the host asks."""
    words = [line.split() for line in _read("/etc/resolv.conf").splitlines()]
    return [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]


def replace_resolv_conf(path: Path, resolver: str) -> None:
    """Have another name server asked in place of those in the file. In place: it is mounted in the container."""
    kept = [line for line in _read(str(path)).splitlines() if not line.startswith("nameserver")]
    _rewrite(path, "\n".join([*kept, f"nameserver {resolver}", f"options {DOTS}"]) + "\n")


def resolv_conf(
    dns: Sequence[str] = (), search: Sequence[str] = (), options: Sequence[str] = (), *, own_network: bool
) -> str:
    """The resolv.conf of a container.

    It is the host's, with what is asked for in its place. A container with a network of its own cannot reach the
    host's loopback, so resolvers there are left out (systemd's real ones are read instead).
    """
    text = _read("/etc/resolv.conf")
    if own_network and _only_loopback(text):
        text = _read(_SYSTEMD_UPSTREAM) or text
    kept: list[str] = []
    for line in text.splitlines():
        word, _, rest = line.strip().partition(" ")
        replaced = {"nameserver": dns, "search": search, "domain": search, "options": options}.get(word)
        if replaced or (word == "nameserver" and own_network and _is_loopback(rest.strip())):
            continue
        kept.append(line)
    kept += [f"nameserver {_address(address)}" for address in dns]
    kept += [f"search {' '.join(search)}"] if search else []
    kept += [f"options {' '.join(options)}"] if options else []
    return "\n".join(kept) + "\n"


def hosts(names: Iterable[tuple[str, str]], *, hostname: str = "", addresses: Sequence[str] = ()) -> str:
    """The hosts file: localhost, `names` as (name, address), and the container itself."""
    lines = [
        "127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback", "fe00::\tip6-localnet",
        "ff00::\tip6-mcastprefix", "ff02::1\tip6-allnodes", "ff02::2\tip6-allrouters",
    ]  # fmt: skip
    lines += [f"{at}\t{name}" for name, at in names]
    if hostname:
        lines += [f"{address}\t{hostname}" for address in addresses or ("127.0.1.1",)]
    return "\n".join(lines) + "\n"


def edit_hosts(path: Path, address: str, name: str) -> None:
    """Give an address this one name, or none. In place: the file is mounted in the container."""
    kept = [line for line in _read(str(path)).splitlines() if not line.startswith(f"{address}\t")]
    _rewrite(path, "\n".join([*kept, *([f"{address}\t{name}"] if name else [])]) + "\n")


def parse_host(text: str, gateway: str = "") -> tuple[str, str]:
    """`name:address` or `name=address` of --add-host; `host-gateway` stands for the host. Raises: Invalid."""
    name, separator, address = text.partition("=") if "=" in text else text.partition(":")
    if not separator or not name or any(c.isspace() for c in name):
        raise Invalid("not a host: {text!r}", text=text[:200], hint="write it as name:address")
    if address == "host-gateway":
        return name, gateway or "127.0.0.1"
    return name, _address(address)


def write_files(folder: Path, files: dict[str, str]) -> None:
    """Write them beneath `folder`, readable by everyone."""
    for name, text in files.items():
        path = folder / name
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
        path.chmod(0o644)


def _rewrite(path: Path, text: str) -> None:
    try:
        with open(path, "r+", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
            file.truncate()
    except OSError:
        return  # another file is mounted there


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        raise Invalid("not an IP address: {text!r}", text=text[:200]) from None


def _only_loopback(text: str) -> bool:
    found = [line.split()[1] for line in text.splitlines() if line.startswith("nameserver") and len(line.split()) > 1]
    return bool(found) and all(map(_is_loopback, found))


def _is_loopback(address: str) -> bool:
    return address.startswith("127.") or address == "::1"


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(_LIMIT)
    except OSError:
        return ""
