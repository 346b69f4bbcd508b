"""A plain HTTP client for tests of the hub: what the spec's conformance suite sends, and nothing more."""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple

import urllib3

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class Pushed(NamedTuple):
    """A manifest that is in the hub."""

    digest: str
    data: bytes


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def describe(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


class HubClient:
    """Requests about one repository of a hub. `name` is that repository's."""

    def __init__(self, address: str, name: str = "") -> None:
        self.address = address
        self.name = name
        self._pool = urllib3.PoolManager(retries=False, num_pools=4, maxsize=8)

    def close(self) -> None:
        self._pool.clear()

    def send(self, method: str, path: str, **options: Any) -> urllib3.BaseHTTPResponse:
        """One request. `path` beginning with a slash is whole; else it is within the repository."""
        whole = path if path.startswith("/") else f"/v2/{self.name}/{path}"
        return self._pool.request(method, f"http://{self.address}{whole}", redirect=False, **options)

    def push_blob(self, data: bytes) -> str:
        digest = digest_of(data)
        location = self.send("POST", "blobs/uploads/").headers["location"]
        path = location.partition(self.address)[2] or location  # docker-registry gives a whole address, with a query
        answer = self.send("PUT", f"{path}{'&' if '?' in path else '?'}digest={digest}", body=data)
        assert answer.status == 201, answer.data
        return digest

    def put(self, reference: str, document: dict[str, Any] | bytes, media_type: str = MANIFEST) -> Any:
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self.send("PUT", f"manifests/{reference}", body=data, headers={"content-type": media_type})

    def push_image(self, tag: str = "", *, seed: bytes = b"", **fields: Any) -> Pushed:
        """A small image with a config and one layer; under its digest where there is no tag."""
        config, layer = b'{"seed":"' + seed.hex().encode() + b'"}', b"layer of " + seed
        self.push_blob(config)
        self.push_blob(layer)
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": describe(CONFIG, config),
            "layers": [describe(LAYER, layer)],
            **fields,
        }
        data = json.dumps(document).encode()
        answer = self.put(tag or digest_of(data), data)
        assert answer.status == 201, answer.data
        return Pushed(digest_of(data), data)


def code_of(answer: urllib3.BaseHTTPResponse) -> str:
    """The spec's error code in an answer."""
    return str(json.loads(answer.data)["errors"][0]["code"])
