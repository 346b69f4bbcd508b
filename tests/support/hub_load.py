"""Clients that push to a hub and pull from it all at once, and remember what they were told.

Nothing is taken on trust: every byte that is pulled is hashed, and what was acknowledged has to be there to the end,
whatever happens to the server meanwhile.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from support.hub_client import CONFIG, LAYER, MANIFEST, describe, digest_of

_AGAIN_SECONDS = 0.05
_REPOSITORIES = 20
_SMALL = 10_000
_SHARED = [os.urandom(size) for size in (1_000, 20_000, 60_000)]  # layers that many images have


class Told(NamedTuple):
    """A push that the server acknowledged."""

    repository: str
    tag: str
    digest: str
    blobs: tuple[str, ...]


class Load:
    """Clients of one server on loopback."""

    def __init__(self, port: int, *, seed: int = 1) -> None:
        self._port = port
        self._seed = seed
        self._over = threading.Event()
        self.told: list[Told] = []
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []

    @contextmanager
    def working(self, clients: int) -> Iterator[None]:
        """They work as long as the block lasts; then each ends what it has begun."""
        threads = [threading.Thread(target=self._work, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def wait_for(self, pushes: int, patience: float = 60) -> None:
        """Until so many are acknowledged."""
        limit = time.monotonic() + patience
        while len(self.told) < pushes:
            assert time.monotonic() < limit, f"{len(self.told)} pushes only: {self.done}"
            time.sleep(0.02)

    def check(self) -> None:
        """Every push that was acknowledged is there, whole."""
        client = Client(self._port, self.done)
        for told in self.told:
            self._pull(client, told)
        client.close()

    def _work(self, number: int) -> None:
        choice = random.Random(self._seed * 1000 + number)
        client = Client(self._port, self.done)
        turn = 0
        while not self._over.is_set():
            turn += 1
            try:
                if not self.told or choice.random() < 0.4:
                    self._push(client, choice, f"c{number}-{turn}")
                else:
                    self._pull(client, choice.choice(self.told))
            except (OSError, http.client.HTTPException):  # the server has died: nothing was acknowledged
                self.done["broken off"] += 1
                client.close()
                self._over.wait(_AGAIN_SECONDS)
        client.close()

    def _push(self, client: Client, choice: random.Random, tag: str) -> None:
        repository = f"load/app{choice.randrange(_REPOSITORIES)}"
        layers = [choice.choice(_SHARED), choice.randbytes(choice.randrange(100, 40_000))]
        config = json.dumps({"tag": tag}).encode()
        for data in (config, *layers):
            client.push_blob(repository, data)
        described = {"config": describe(CONFIG, config), "layers": [describe(LAYER, layer) for layer in layers]}
        document = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, **described}).encode()
        status, _ = client.ask("PUT", f"/v2/{repository}/manifests/{tag}", document, MANIFEST)
        if status != 201:
            self.wrong.append(f"PUT of a manifest: {status}")
            return
        blobs = tuple(digest_of(data) for data in (config, *layers))
        self.told.append(Told(repository, tag, digest_of(document), blobs))
        self.done["pushed"] += 1

    def _pull(self, client: Client, told: Told) -> None:
        for kind, reference, digest in _parts(told):
            status, data = client.ask("GET", f"/v2/{told.repository}/{kind}/{reference}")
            if status != 200:
                self.wrong.append(f"{told.repository}:{told.tag} {kind} {digest}: {status}")
            elif "sha256:" + hashlib.sha256(data).hexdigest() != digest:
                self.wrong.append(f"{told.repository}:{told.tag} {kind} {digest}: other bytes")
        self.done["pulled"] += 1


class Client:
    """One connection, kept alive."""

    def __init__(self, port: int, done: Counter[str]) -> None:
        self._port = port
        self._done = done
        self._connection: http.client.HTTPConnection | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def ask(
        self, method: str, path: str, body: bytes = b"", kind: str = "application/octet-stream"
    ) -> tuple[int, bytes]:
        """Status and body. Raises: OSError, HTTPException where the server goes away."""
        answer = self._send(method, path, body, kind)
        return answer.status, answer.read()

    def push_blob(self, repository: str, data: bytes) -> None:
        """Asked for first, sent only if it is not there: a small one at once, else as docker does. Raises: as `ask`."""
        digest = digest_of(data)
        if self.ask("HEAD", f"/v2/{repository}/blobs/{digest}")[0] == 200:
            return
        if len(data) < _SMALL:
            status, _ = self.ask("POST", f"/v2/{repository}/blobs/uploads/?digest={digest}", data)
        else:
            status = self._push_in_two(repository, data, digest)
        if status != 201:
            raise http.client.HTTPException(f"push of a blob: {status}")

    def _push_in_two(self, repository: str, data: bytes, digest: str) -> int:
        answer = self._send("POST", f"/v2/{repository}/blobs/uploads/")
        answer.read()
        location = answer.headers.get("location", "")
        return self.ask("PUT", f"{location}?digest={digest}", data)[0]

    def _send(self, method: str, path: str, body: bytes = b"", kind: str = "") -> http.client.HTTPResponse:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        self._done["requests"] += 1
        try:
            self._connection.request(method, path, body, {"content-type": kind} if kind else {})
            return self._connection.getresponse()
        except BaseException:
            self.close()
            raise


def _parts(told: Told) -> Iterator[tuple[str, str, str]]:
    """Kind, reference and digest of all that a pull gets."""
    yield "manifests", told.tag, told.digest
    for blob in told.blobs:
        yield "blobs", blob, blob
