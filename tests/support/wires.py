"""Network namespaces to test with: looking out of a container, and another machine beside the host."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from capas.snapshot.namespaces import in_thread
from capas.snapshot.syscalls import CLONE_NEWNET, setns

T = TypeVar("T")


def in_network_of(pid: int, work: Callable[[], T]) -> T:
    """What `work` gives, done in the network namespace of a process."""

    def enter() -> T:
        fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        try:
            setns(fd, CLONE_NEWNET)
        finally:
            os.close(fd)
        return work()

    return in_thread(enter)


class Machine:
    """Another machine, on a cable to this one: it has `address`, and this one is `host` for it."""

    def __init__(self, pid: int, address: str, host: str) -> None:
        self.pid, self.address, self.host = pid, address, host

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command there."""
        return in_network_of(
            self.pid, lambda: subprocess.run(words, capture_output=True, text=True, check=False, timeout=10)
        )

    def fetch(self, address: str, port: int) -> bytes:
        """What somebody answers there to a connection, empty where nobody does."""
        return in_network_of(self.pid, lambda: fetch(address, port))


def fetch(address: str, port: int, seconds: float = 0.5) -> bytes:
    """The first words of whoever answers there, empty where nobody does."""
    try:
        with socket.create_connection((address, port), seconds) as talk:
            talk.settimeout(seconds)
            return talk.recv(1000)
    except OSError:
        return b""


@contextmanager
def another_machine() -> Iterator[Machine]:
    """One that sends everything to this one."""
    tag = f"{os.getpid() % 4096:x}"
    octet = os.getpid() % 250
    address, host = f"198.18.{octet}.2", f"198.18.{octet}.1"
    other = subprocess.Popen(["unshare", "-n", "sleep", "1000"])
    try:
        while os.readlink(f"/proc/{other.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            os.sched_yield()
        subprocess.run(["ip", "link", "add", f"wire{tag}", "type", "veth", "peer", "name", "eth0",
                        "netns", str(other.pid)], check=True)  # fmt: skip
        subprocess.run(["ip", "addr", "add", f"{host}/30", "dev", f"wire{tag}"], check=True)
        subprocess.run(["ip", "link", "set", f"wire{tag}", "up"], check=True)
        machine = Machine(other.pid, address, host)
        for words in (["addr", "add", f"{address}/30", "dev", "eth0"], ["link", "set", "eth0", "up"],
                      ["link", "set", "lo", "up"], ["route", "add", "default", "via", host]):  # fmt: skip
            done = machine.run("ip", *words)
            assert done.returncode == 0, done.stderr
        yield machine
    finally:
        subprocess.run(["ip", "link", "delete", f"wire{tag}"], check=False, capture_output=True)
        other.kill()
        other.wait()
