"""Rates of the hub against docker-registry, side by side in one run: JSON on standard output.

Needs docker-registry, wrk and ab (Debian's apache2-utils) on PATH. Everything is on loopback and bounded: each figure
is the median of `--rounds` rounds, the two servers taking turns, so that a busy machine hurts both alike. The hub has its
accounts and rights on: everything is in private repositories, asked for with a pass of the token protocol.
docker-registry has none.

    python benchmarks/hub_rates.py --root /dev/shm --rounds 3 --seconds 2
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

CONNECTIONS = 16
MEBIBYTE = 1024 * 1024
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
REGISTRY_CONFIG = """version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {root}}}, cache: {{blobdescriptor: inmemory}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
HUB = """
from pathlib import Path
from capas.hub.hub import Options
from capas.hub.serve import serve
if __name__ == "__main__":
    serve(Path({root!r}), port={port}, workers={workers}, options=Options(open=False))
"""
PASSWORD = "benchmarks need no secrets"


class Server(NamedTuple):
    """A server under load, and what each request to it says of who asks."""

    port: int
    headers: dict[str, str]


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[int]:
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(500):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            time.sleep(0.02)
        yield port
    finally:
        server.terminate()
        server.wait()


@contextlib.contextmanager
def servers(root: Path, workers: int) -> Iterator[dict[str, int]]:
    ports = {"hub": free_port(), "docker-registry": free_port()}
    config = root / "registry.yml"
    config.write_text(REGISTRY_CONFIG.format(root=root / "registry", port=ports["docker-registry"]))
    (root / "serve.py").write_text(HUB.format(root=str(root / "hub"), port=ports["hub"], workers=workers))
    make_account(root / "hub")
    with (
        running([sys.executable, str(root / "serve.py")], ports["hub"]),
        running(["docker-registry", "serve", str(config)], ports["docker-registry"]),
    ):
        yield ports


def make_account(root: Path) -> None:
    """The hub's accounts are on: `bench` owns the private repositories that it pushes to."""
    command = [
        sys.executable,
        "-m",
        "capas",
        "hub",
        "user",
        "create",
        "bench",
        "--password-stdin",
        "--root",
        str(root),
    ]
    root.mkdir()
    subprocess.run(command, input=PASSWORD, text=True, check=True, stdout=subprocess.DEVNULL)


def pass_for(port: int) -> dict[str, str]:
    """The headers with which the servers are asked: a pass of the token protocol, as docker's client gets it."""
    basic = "Basic " + base64.b64encode(f"bench:{PASSWORD}".encode()).decode()
    names = ["app", "large", *(f"put{number}" for number in range(8))]
    scopes = "&".join(f"scope=repository:bench/{name}:pull,push,delete" for name in names)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", f"/token?service=capas&{scopes}", headers={"authorization": basic})
    answer = connection.getresponse()
    text = answer.read()
    return {"authorization": f"Bearer {json.loads(text)['token']}"} if answer.status == 200 else {}


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def push_blob(
    connection: http.client.HTTPConnection,
    name: str,
    data: bytes,
    headers: dict[str, str],
) -> str:
    """POST, then PUT, as containers/image does for what it holds in memory."""
    connection.request("POST", f"/v2/{name}/blobs/uploads/", headers=headers)
    answer = connection.getresponse()
    answer.read()
    location = re.sub(r"^https?://[^/]+", "", answer.headers["Location"])
    digest = digest_of(data)
    connection.request(
        "PUT",
        f"{location}{'&' if '?' in location else '?'}digest={digest}",
        body=data,
        headers=headers,
    )
    answer = connection.getresponse()
    answer.read()
    if answer.status != 201:
        raise SystemExit(f"PUT of a blob: {answer.status}")
    return digest


def fill(server: Server, blobs: list[bytes]) -> list[str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    digests = [push_blob(connection, "bench/app", blob, server.headers) for blob in blobs]
    described = [{"mediaType": "x/y", "digest": d, "size": len(b)} for d, b in zip(digests, blobs, strict=True)]
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": described[0],
        "layers": described[1:],
    }
    connection.request(
        "PUT",
        "/v2/bench/app/manifests/v1",
        json.dumps(manifest),
        {"content-type": MANIFEST, **server.headers},
    )
    answer = connection.getresponse()
    answer.read()
    if answer.status != 201:
        raise SystemExit(f"PUT of a manifest: {answer.status}")
    return digests


def get_rate(server: Server, path: str, seconds: int) -> float:
    """GETs a second, with 16 connections kept alive."""
    address = f"http://127.0.0.1:{server.port}{path}"
    command = [
        "wrk",
        "-t1",
        "--timeout",
        "30s",
        f"-c{CONNECTIONS}",
        f"-d{seconds}s",
        "-H",
        f"Accept: {MANIFEST}",
        *(part for name, value in server.headers.items() for part in ("-H", f"{name}: {value}")),
        address,
    ]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit(text)
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", text)[0])


def head_rate(server: Server, path: str, seconds: int) -> float:
    """HEADs a second, with 16 connections kept alive. (wrk waits for the body that a HEAD announces.)"""
    address = f"http://127.0.0.1:{server.port}{path}"
    command = [
        "ab",
        "-q",
        "-i",
        "-k",
        f"-c{CONNECTIONS}",
        f"-t{seconds}",
        "-n1000000",
        f"-HAccept: {MANIFEST}",
        *(f"-H{name}: {value}" for name, value in server.headers.items()),
        address,
    ]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text or not re.search(r"Failed requests:\s+0\b", text):
        raise SystemExit(text)
    return float(re.findall(r"Requests per second:\s+([\d.]+)", text)[0])


def put_rate(server: Server, size: int, count: int) -> float:
    """Blobs a second, pushed over 8 connections, every one new; POST then PUT.

    The client speaks over bare sockets and hashes beforehand, so that it is the servers that are measured.
    """

    def work(connection: socket.socket, name: str, blobs: list[tuple[bytes, str]]) -> None:
        for data, digest in blobs:
            head = exchange(connection, f"POST /v2/{name}/blobs/uploads/", b"", server.headers)
            location = re.sub(r"^https?://[^/]+", "", re.findall(r"(?i)location: (\S+)", head)[0])
            target = f"{location}{'&' if '?' in location else '?'}digest={digest}"
            if "201" not in exchange(connection, f"PUT {target}", data, server.headers)[:20]:
                raise SystemExit("PUT of a blob failed")

    every = [[(data, digest_of(data)) for data in (os.urandom(size) for _ in range(count))] for _ in range(8)]
    return in_parallel(
        server,
        lambda connection, number: work(connection, f"bench/put{number}", every[number]),
        8 * count,
    )


def image_rate(server: Server, count: int) -> float:
    """Images a second, pushed over 8 connections: a config and three layers of 200 KB of its own each, and the manifest."""

    def work(connection: socket.socket, name: str, images: list[list[tuple[bytes, str]]]) -> None:
        for blobs in images:
            for data, digest in blobs:
                head = exchange(connection, f"POST /v2/{name}/blobs/uploads/", b"", server.headers)
                location = re.sub(r"^https?://[^/]+", "", re.findall(r"(?i)location: (\S+)", head)[0])
                target = f"{location}{'&' if '?' in location else '?'}digest={digest}"
                exchange(connection, f"PUT {target}", data, server.headers)
            described = [{"mediaType": "x/y", "digest": digest, "size": len(data)} for data, digest in blobs]
            manifest = {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": described[0],
                "layers": described[1:],
            }
            body = json.dumps(manifest).encode()
            answer = exchange(
                connection,
                f"PUT /v2/{name}/manifests/{blobs[0][1][7:19]}",
                body,
                server.headers,
                MANIFEST,
            )
            if "201" not in answer[:20]:
                raise SystemExit(f"PUT of a manifest failed: {answer[:200]}")

    pushed = [
        [(data, digest_of(data)) for data in (os.urandom(size) for size in (500, 200_000, 200_000, 200_000))]
        for _ in range(count)
    ]
    return in_parallel(
        server,
        lambda connection, number: work(connection, f"bench/put{number}", pushed[number::8]),
        count,
    )


def in_parallel(server: Server, work: Callable[[socket.socket, int], None], count: int) -> float:
    """Things a second that 8 connections do together, `count` in all."""
    connections = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(8)]
    threads = [threading.Thread(target=work, args=(one, number)) for number, one in enumerate(connections)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - began
    for connection in connections:
        connection.close()
    return count / seconds


def exchange(
    connection: socket.socket,
    line: str,
    body: bytes,
    headers: dict[str, str],
    kind: str = "application/octet-stream",
) -> str:
    """One request whose answer has no body; its head."""
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"{line} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n{more}"
    connection.sendall(f"{head}content-type: {kind}\r\n\r\n".encode() + body)
    answer = b""
    while b"\r\n\r\n" not in answer:
        if not (piece := connection.recv(65536)):
            raise SystemExit(f"the server hung up: {line[:100]}")
        answer += piece
    return answer.decode()


def download_speed(server: Server, path: str) -> float:
    """MB a second of one large blob, to each of two clients that read it at once."""

    def read() -> None:
        more = "".join(f"{name}: {value}\r\n" for name, value in server.headers.items())
        buffer = bytearray(MEBIBYTE)
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{more}\r\n".encode())
            while count := connection.recv_into(buffer):
                read_bytes.append(count)

    read_bytes: list[int] = []
    threads = [threading.Thread(target=read) for _ in range(2)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(read_bytes) / (time.monotonic() - began) / 1e6


def upload_speed(server: Server, path: Path) -> float:
    """MB a second of one large blob."""
    with path.open("rb") as file:
        digest = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, blocksize=MEBIBYTE)
    began = time.monotonic()
    connection.request("POST", "/v2/bench/large/blobs/uploads/", headers=server.headers)
    answer = connection.getresponse()
    answer.read()
    location = re.sub(r"^https?://[^/]+", "", answer.headers["Location"])
    with path.open("rb") as file:
        headers = {
            "content-length": str(path.stat().st_size),
            "content-type": "application/octet-stream",
        }
        headers |= server.headers
        connection.request("PATCH", location, body=file, headers=headers)
        answer = connection.getresponse()
        answer.read()
    location = re.sub(r"^https?://[^/]+", "", answer.headers["Location"])
    connection.request(
        "PUT",
        f"{location}{'&' if '?' in location else '?'}digest={digest}",
        headers=server.headers,
    )
    answer = connection.getresponse()
    answer.read()
    seconds = time.monotonic() - began
    if answer.status != 201:
        raise SystemExit(f"PUT of the large blob: {answer.status}")
    connection.request("DELETE", f"/v2/bench/large/blobs/{digest}", headers=server.headers)
    connection.getresponse().read()
    connection.close()
    return path.stat().st_size / seconds / 1e6


def measure(root: Path, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    blobs = [
        b'{"config": 1}',
        os.urandom(MEBIBYTE),
        os.urandom(options.large * MEBIBYTE),
    ]
    large = root / "large"
    with large.open("wb") as file:
        for _ in range(options.large):
            file.write(os.urandom(MEBIBYTE))
    with servers(root, options.workers) as ports:
        digests, _ = (fill(Server(port, pass_for(port)), blobs) for port in ports.values())
        path, seconds = "/v2/bench/app", options.seconds
        probes: dict[str, Callable[[Server], float]] = {
            "manifest GET by tag, /s": lambda server: get_rate(server, f"{path}/manifests/v1", seconds),
            "manifest HEAD by tag, /s": lambda server: head_rate(server, f"{path}/manifests/v1", seconds),
            "blob HEAD, /s": lambda server: head_rate(server, f"{path}/blobs/{digests[1]}", seconds),
            "1 MB blob GET, /s": lambda server: get_rate(server, f"{path}/blobs/{digests[1]}", seconds),
            "large blob GET, MB/s": lambda server: download_speed(server, f"{path}/blobs/{digests[2]}"),
            "1 MB blob PUT, /s": lambda server: put_rate(server, MEBIBYTE, options.puts),
            "2 KB blob PUT, /s": lambda server: put_rate(server, 2048, options.puts),
            "100 images pushed 8 at a time, images/s": lambda server: image_rate(server, 100),
            "large upload, MB/s": lambda server: upload_speed(server, large),
        }
        wanted = {name: probe for name, probe in probes.items() if not options.only or options.only in name}
        return {name: compare(name, ports, probe, options.rounds) for name, probe in wanted.items()}


def compare(what: str, ports: dict[str, int], probe: Callable[[Server], float], rounds: int) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in ports}
    for _ in range(rounds):
        for name, port in ports.items():
            found[name].append(probe(Server(port, pass_for(port))))
        sys.stderr.write(f"{what}: {found}\n")
    hub, peer = (statistics.median(found[name]) for name in ("hub", "docker-registry"))
    return {
        "hub": round(hub, 1),
        "docker-registry": round(peer, 1),
        "ratio": round(hub / peer, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--root",
        default=tempfile.gettempdir(),
        help="where both servers keep their data",
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2, help="of each load by wrk or ab")
    parser.add_argument("--puts", type=int, default=25, help="blobs for each of 8 threads")
    parser.add_argument("--large", type=int, default=300, help="MiB of the large upload")
    parser.add_argument("--only", default="", help="measure what has this in its name")
    parser.add_argument("--workers", type=int, default=1, help="processes of the hub")
    options = parser.parse_args()
    missing = [peer for peer in ("wrk", "ab", "docker-registry") if shutil.which(peer) is None]
    if missing:
        raise SystemExit(f"not installed: {', '.join(missing)}")
    with tempfile.TemporaryDirectory(prefix="capas-hub-", dir=options.root) as root:
        figures = measure(Path(root), options)
    sys.stdout.write(
        json.dumps(
            {"where": options.root, "workers": options.workers, "rates": figures},
            indent=2,
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
