"""The server as a process: ready, stopped, killed, one port each, several workers."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.errors import Conflict, Corrupt, Invalid
from capas.hub.serve import serve
from support.hub_client import HubClient, digest_of

SOURCE = Path(__file__).parents[2] / "src"
PROGRAM = """
import sys
from pathlib import Path
from capas.hub.serve import serve

if __name__ == "__main__":
    ready = lambda address, link: (sys.stdout.write(address + "\\n"), sys.stdout.flush())
    serve(Path(sys.argv[1]), port=int(sys.argv[2]), workers=int(sys.argv[3]), ready=ready)
"""
DATA = bytes(range(256)) * 20_000


@contextlib.contextmanager
def serving(tmp_path: Path, *, port: int = 0, workers: int = 1) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server's process and its address."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), str(tmp_path / "root"), str(port), str(workers)]
    environ = os.environ | {"PYTHONPATH": str(SOURCE)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.terminate()


def is_free(address: str) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", int(address.rpartition(":")[2])))
        except OSError:
            return False
        return True


def test_it_says_where_it_is_and_ends_well_on_a_signal(tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with serving(tmp_path) as (process, address):
            hub = HubClient(address)
            assert hub.send("GET", "/v2/").status == 200
            process.send_signal(number)
            assert process.wait(10) == 0
            hub.close()
            assert is_free(address)


def test_a_stop_lets_an_upload_end(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, address):
        hub = HubClient(address, "app")
        location = hub.send("POST", "blobs/uploads/").headers["location"]
        hub.close()
        host, _, port = address.partition(":")
        with socket.create_connection((host, int(port))) as connection:
            path = f"{location}?digest={digest_of(DATA)}"
            head = f"PUT {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(DATA)}\r\n\r\n"
            connection.sendall(head.encode() + DATA[:3_000_000])
            time.sleep(0.2)
            process.terminate()
            time.sleep(0.2)
            connection.sendall(DATA[3_000_000:])
            assert connection.recv(12) == b"HTTP/1.1 201"
        assert process.wait(10) == 0


def test_a_killed_server_leaves_its_port_and_what_was_acknowledged(tmp_path: Path) -> None:
    with serving(tmp_path, workers=2) as (process, address):
        hub = HubClient(address, "app")
        pushed = hub.push_image("v1")
        hub.close()
        process.kill()
        process.wait()
        limit = time.monotonic() + 5
        while not is_free(address):
            assert time.monotonic() < limit, "the workers outlived the server"
            time.sleep(0.02)
    with serving(tmp_path) as (_, address):
        hub = HubClient(address, "app")
        assert hub.send("GET", "manifests/v1").data == pushed.data
        hub.close()


def test_two_workers_share_an_upload(tmp_path: Path) -> None:
    with serving(tmp_path, workers=2) as (_, address):
        location, step = "", len(DATA) // 10
        for number in range(10):  # a connection each: whichever worker gets it goes on
            hub = HubClient(address, "app")
            location = location or hub.send("POST", "blobs/uploads/").headers["location"]
            chunk = DATA[number * step : (number + 1) * step]
            assert hub.send("PATCH", location, body=chunk).status == 202
            hub.close()
        hub = HubClient(address, "app")
        assert hub.send("PUT", f"{location}?digest={digest_of(DATA)}", body=DATA[10 * step :]).status == 201
        assert hub.send("GET", f"blobs/{digest_of(DATA)}").data == DATA
        hub.close()


def test_a_port_in_use_is_said_so(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with pytest.raises(Conflict, match="is in use already"):
            serve(tmp_path, port=holder.getsockname()[1])


def test_an_address_of_another_machine_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot listen on"):
        serve(tmp_path, host="192.0.2.1", port=0)


def test_damaged_records_are_said_so(tmp_path: Path) -> None:
    (tmp_path / "records.sqlite").write_bytes(b"no database at all, but long enough to be looked at\n" * 100)
    with pytest.raises(Corrupt, match="damaged"):
        serve(tmp_path, port=0)
