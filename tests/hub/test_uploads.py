"""Upload sessions: they outlive a request, a connection and the server; nobody else can use them."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from capas.hub.distribution import uploads
from capas.hub.storage.directory import DirectoryStorage
from support.hub import running_hub
from support.hub_client import HubClient, code_of, digest_of

DATA = bytes(range(256)) * 10_000


def wait_for_range(hub: HubClient, location: str, expected: str) -> None:
    limit = time.monotonic() + 10
    while hub.send("GET", location).headers["range"] != expected:
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_a_broken_connection_leaves_what_arrived(hub: HubClient) -> None:
    location = hub.send("POST", "blobs/uploads/").headers["location"]
    host, _, port = hub.address.partition(":")
    with socket.create_connection((host, int(port))) as connection:
        head = f"PATCH {location} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(DATA)}\r\n\r\n"
        connection.sendall(head.encode() + DATA[:5000])
    wait_for_range(hub, location, "0-4999")
    span = {"content-range": f"5000-{len(DATA) - 1}"}
    assert hub.send("PATCH", location, body=DATA[5000:], headers=span).status == 202
    assert hub.send("PUT", f"{location}?digest={digest_of(DATA)}").status == 201


def test_a_broken_finish_can_be_finished_again(hub: HubClient) -> None:
    location = hub.send("POST", "blobs/uploads/").headers["location"]
    host, _, port = hub.address.partition(":")
    path = f"{location}?digest={digest_of(DATA)}"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"PUT {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(DATA)}\r\n\r\n".encode() + DATA[:7])
    wait_for_range(hub, location, "0-6")
    assert hub.send("PUT", path, body=DATA[7:]).status == 201
    assert hub.send("GET", f"blobs/{digest_of(DATA)}").data == DATA


def test_an_upload_survives_a_restart(tmp_path: Path) -> None:
    with running_hub(tmp_path) as address:
        hub = HubClient(address, "app")
        location = hub.send("POST", "blobs/uploads/").headers["location"]
        hub.send("PATCH", location, body=DATA[:1000])
        hub.close()
    with running_hub(tmp_path) as address:
        hub = HubClient(address, "app")
        assert hub.send("GET", location).headers["range"] == "0-999"
        assert hub.send("PUT", f"{location}?digest={digest_of(DATA)}", body=DATA[1000:]).status == 201
        assert hub.send("GET", f"blobs/{digest_of(DATA)}").data == DATA
        hub.close()


def test_an_upload_without_a_byte_survives_a_restart(tmp_path: Path) -> None:
    with running_hub(tmp_path) as address:
        hub = HubClient(address, "app")
        location = hub.send("POST", "blobs/uploads/").headers["location"]
        hub.close()
    with running_hub(tmp_path) as address:
        hub = HubClient(address, "app")
        assert hub.send("PUT", f"{location}?digest={digest_of(DATA)}", body=DATA).status == 201
        hub.close()


def test_of_many_open_uploads_all_can_be_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_MOST_IDLE", 2)
    sessions, owner = uploads.Uploads(DirectoryStorage(tmp_path), shared=False), uploads.Owner("app", "")
    for number in range(5):
        assert sessions.begin(str(number), owner)
        ingest = sessions.take(str(number), owner)
        ingest.write(b"abc")
        sessions.keep(str(number), owner, ingest)
    assert [sessions.take(str(number), owner).offset for number in range(5)] == [3] * 5


def test_an_upload_that_waited_in_memory_becomes_a_file(tmp_path: Path) -> None:
    owner = uploads.Owner("app", "")
    sessions = uploads.Uploads(DirectoryStorage(tmp_path), shared=False)
    assert sessions.begin("one", owner)
    sessions.close_idle(everything=True)
    assert not sessions.has_idle
    assert uploads.Uploads(DirectoryStorage(tmp_path), shared=True).take("one", owner).offset == 0


def test_an_upload_belongs_to_its_repository(hub: HubClient) -> None:
    location = hub.send("POST", "blobs/uploads/").headers["location"]
    hub.send("PATCH", location, body=b"abc")
    upload = location.rpartition("/")[2]
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        answer = hub.send(method, f"/v2/other/blobs/uploads/{upload}?digest={digest_of(b'abc')}")
        assert (answer.status, code_of(answer)) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert hub.send("PUT", f"{location}?digest={digest_of(b'abc')}").status == 201


def test_an_upload_that_another_request_writes_is_waited_for(tmp_path: Path) -> None:
    with running_hub(tmp_path) as address:
        hub = HubClient(address, "app")
        location = hub.send("POST", "blobs/uploads/").headers["location"]
        host, _, port = address.partition(":")
        with socket.create_connection((host, int(port))) as connection:
            head = f"PATCH {location} HTTP/1.1\r\nhost: x\r\ncontent-length: 2000000\r\n\r\n".encode()
            connection.sendall(head + bytes(1_500_000))  # more than a batch: the session is in this request's hands
            limit = time.monotonic() + 10
            while not any(file.stat().st_size for file in (tmp_path / "ingest").glob("*")):
                assert time.monotonic() < limit
                time.sleep(0.01)
            connection.sendall(bytes(500_000))
            assert hub.send("GET", location).headers["range"] == "0-1999999"
        hub.close()


def test_what_is_left_of_a_finished_upload_is_nothing(tmp_path: Path) -> None:
    with running_hub(tmp_path) as address:
        hub = HubClient(address, "app")
        hub.push_blob(DATA)
        wrong = hub.send("POST", f"blobs/uploads/?digest={digest_of(b'wrong')}", body=DATA)
        assert wrong.status == 400
        cancelled = hub.send("POST", "blobs/uploads/").headers["location"]
        hub.send("PATCH", cancelled, body=DATA)
        hub.send("DELETE", cancelled)
        hub.close()
    assert not list((tmp_path / "ingest").iterdir())
    assert len(list((tmp_path / "blobs" / "sha256").iterdir())) == 1
