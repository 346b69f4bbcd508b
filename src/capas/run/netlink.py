"""The few words of rtnetlink that a bridge network needs. pyroute2 has them all, but takes 0.25 s to import.

Spec: rtnetlink(7), netlink(7).
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Sequence

_REQUEST, _ACK, _REPLACE, _EXCL, _CREATE = 0x1, 0x4, 0x100, 0x200, 0x400
_NEWLINK, _DELLINK, _NEWADDR, _NEWROUTE, _DELROUTE = 16, 17, 20, 24, 25
_ERROR = 2
_NETFILTER, _GET_TABLE = 12, 10 << 8 | 1
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_MASTER, _IFLA_LINKINFO, _IFLA_GROUP, _IFLA_NET_NS_FD = (
    1, 3, 4, 10, 18, 27, 28)  # fmt: skip
_INFO_KIND, _INFO_DATA, _INFO_SLAVE_KIND, _INFO_SLAVE_DATA, _VETH_PEER = 1, 2, 4, 5, 1
_PORT_STATE, _PORT_ISOLATED, _FORWARDING = 1, 33, b"\3"
GROUP = 0x6361  # that of all our bridges: the packet filter knows them by it
_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST = 1, 2, 4
_RTA_GATEWAY = 5
_UP = 1
_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_DEFAULT = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, 254, 4, 0, 1, 0)  # main table, static, unicast


class Netlink:
    """A socket to the network namespace that this thread is in now; it stays with it wherever it is used later."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.bind((0, 0))
        self._sequence = 0

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def index(self, name: str) -> int:
        """The index of an interface by name, in this socket's namespace. Raises: OSError."""
        answer = self._talk(18, 0, _link(0) + _attribute(_IFLA_IFNAME, name.encode() + b"\0"))  # RTM_GETLINK
        return int(_LINK.unpack_from(answer)[2])

    def add_bridge(self, name: str) -> None:
        """Raises: FileExistsError."""
        self._new_link(name, b"bridge", b"")

    def add_veth(self, name: str, peer: str, namespace: int, *, mac: bytes, mtu: int, master: int) -> None:
        """A pair: `name` here, up and a port of the bridge `master`, `peer` in the namespace of this descriptor.

        All in one message: each one that touches a device costs some milliseconds. Raises: FileExistsError.
        """
        other = _link(0) + b"".join((
            _attribute(_IFLA_IFNAME, peer.encode() + b"\0"), _attribute(_IFLA_NET_NS_FD, struct.pack("=I", namespace)),
            _attribute(_IFLA_ADDRESS, mac), _attribute(_IFLA_MTU, struct.pack("=I", mtu)),
        ))  # fmt: skip
        extra = _attribute(_IFLA_MTU, struct.pack("=I", mtu)) + _attribute(_IFLA_MASTER, struct.pack("=I", master))
        self._new_link(name, b"veth", _attribute(_VETH_PEER, other), extra, flags=_UP)

    def set_group(self, index: int) -> None:
        """Make an interface one of ours."""
        self._talk(_NEWLINK, _ACK, _link(index) + _attribute(_IFLA_GROUP, struct.pack("=I", GROUP)))

    def set_up(self, index: int) -> None:
        """Bring an interface up."""
        self._talk(_NEWLINK, _ACK, _link(index, _UP, _UP))

    def open_port(self, index: int, *, isolated: bool) -> None:
        """A port of a bridge lets packets through from now on. `isolated`: to the host, and to no port like it.

        The kernel opens it by itself, some time after both of its ends are up: what is sent before that is lost.
        """
        values = _attribute(_PORT_STATE, _FORWARDING) + _attribute(_PORT_ISOLATED, bytes([isolated]))
        slave = _attribute(_INFO_SLAVE_KIND, b"bridge") + _attribute(_INFO_SLAVE_DATA, values)
        self._talk(_NEWLINK, _ACK, _link(index) + _attribute(_IFLA_LINKINFO, slave))

    def delete(self, name: str) -> None:
        """Remove an interface. Raises: OSError."""
        self._talk(_DELLINK, _ACK, _link(0) + _attribute(_IFLA_IFNAME, name.encode() + b"\0"))

    def add_address(self, index: int, address: str, prefix: int) -> None:
        """Give an interface an IPv4 address. Raises: FileExistsError."""
        packed = socket.inet_aton(address)
        body = struct.pack("=BBBBI", socket.AF_INET, prefix, 0, 0, index)
        body += _attribute(_IFA_LOCAL, packed) + _attribute(_IFA_ADDRESS, packed)
        body += _attribute(_IFA_BROADCAST, _broadcast(packed, prefix))
        self._talk(_NEWADDR, _ACK | _CREATE | _EXCL, body)

    def set_default_route(self, gateway: str) -> None:
        """Everything else goes there, in place of where it went before."""
        self._talk(_NEWROUTE, _ACK | _CREATE | _REPLACE, _DEFAULT + _attribute(_RTA_GATEWAY, socket.inet_aton(gateway)))

    def delete_default_route(self) -> None:
        """Nothing else goes anywhere. Raises: OSError where it went nowhere before."""
        self._talk(_DELROUTE, _ACK, _DEFAULT)

    def _new_link(self, name: str, kind: bytes, data: bytes, extra: bytes = b"", *, flags: int = 0) -> None:
        info = _attribute(_INFO_KIND, kind) + (_attribute(_INFO_DATA, data) if data else b"")
        body = _link(0, flags, flags) + _attribute(_IFLA_IFNAME, name.encode() + b"\0")
        body += extra + _attribute(_IFLA_LINKINFO, info)
        self._talk(_NEWLINK, _ACK | _CREATE | _EXCL, body)

    def _talk(self, kind: int, flags: int, body: bytes) -> bytes:
        self._sequence += 1
        self._socket.send(_HEADER.pack(_HEADER.size + len(body), kind, _REQUEST | flags, self._sequence, 0) + body)
        while True:
            data = self._socket.recv(65_536)
            _, answer, _, sequence, _ = _HEADER.unpack_from(data)
            if sequence != self._sequence:
                continue
            if answer == _ERROR:
                code = -struct.unpack_from("=i", data, _HEADER.size)[0]
                if code:
                    raise OSError(code, os.strerror(code))
            return data[_HEADER.size :]


def has_nft_table(name: str) -> bool:
    """Whether the packet filter has this IPv4 table: asked of the kernel, which is quicker than starting nft."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETFILTER) as talk:
        talk.bind((0, 0))
        body = struct.pack("=BBH", socket.AF_INET, 0, 0) + _attribute(1, name.encode() + b"\0")
        talk.send(_HEADER.pack(_HEADER.size + len(body), _GET_TABLE, _REQUEST, 1, 0) + body)
        answer: int = _HEADER.unpack_from(talk.recv(65_536))[1]
    return answer != _ERROR


def _link(index: int, flags: int = 0, change: int = 0) -> bytes:
    return _LINK.pack(socket.AF_UNSPEC, 0, index, flags, change)


def _attribute(kind: int, data: bytes) -> bytes:
    size = 4 + len(data)
    return struct.pack("=HH", size, kind) + data + bytes(-size % 4)


def _broadcast(packed: bytes, prefix: int) -> bytes:
    number = int.from_bytes(packed, "big") | ((1 << (32 - prefix)) - 1)
    return number.to_bytes(4, "big")


def mac_of(address: str) -> bytes:
    """A hardware address that follows from the IPv4 address, as docker's."""
    return b"\x02\x42" + socket.inet_aton(address)


def format_mac(mac: Sequence[int]) -> str:
    """`02:42:0a:56:00:02`."""
    return ":".join(f"{byte:02x}" for byte in mac)
