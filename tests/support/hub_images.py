"""Images as builders leave them, pushed over the distribution API: configs, histories, indexes, attestations.

Layers are bytes of some size: no page reads them.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from support.hub_client import CONFIG, INDEX, LAYER, MANIFEST, HubClient, describe, digest_of


class Made(NamedTuple):
    """A step of a history: what made it, and how large its layer is (None: it has none). `seed` tells layers apart."""

    created_by: str
    size: int | None = None
    seed: str = ""


DEBIAN = Made("# debian.sh --arch 'amd64' out/ 'bookworm' '@1731283200'", 282_000, "debian")
WEB: Sequence[Made] = (
    DEBIAN,
    Made("LABEL maintainer=The web team <web@example.org>"),
    Made("ENV WEB_VERSION=1.27.2"),
    Made("RUN /bin/sh -c set -x     && groupadd --system --gid 101 web     && useradd --system --gid web web     "
         "&& apt-get update     && apt-get install --no-install-recommends -y ca-certificates libpcre2-8-0 zlib1g     "
         "&& rm -rf /var/lib/apt/lists/* # buildkit", 164_000, "packages"),
    Made("COPY docker-entrypoint.sh / # buildkit", 1_620, "entry"),
    Made("COPY web /usr/sbin/web # buildkit", 41_000, "binary"),
    Made("WORKDIR /srv", 120, "srv"),
    Made('ENTRYPOINT ["/docker-entrypoint.sh"]'),
    Made("EXPOSE map[80/tcp:{}]"),
    Made("STOPSIGNAL SIGQUIT"),
    Made('CMD ["web" "-g" "daemon off;"]'),
)  # fmt: skip
EXECUTION: Mapping[str, Any] = {
    "Entrypoint": ["/docker-entrypoint.sh"],
    "Cmd": ["web", "-g", "daemon off;"],
    "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "WEB_VERSION=1.27.2"],
    "ExposedPorts": {"80/tcp": {}},
    "Labels": {
        "maintainer": "The web team <web@example.org>",
        "org.opencontainers.image.source": "https://git.example.org/web/image",
    },
    "StopSignal": "SIGQUIT",
    "Volumes": {"/var/cache/web": {}},
    "WorkingDir": "/srv",
    "Healthcheck": {"Test": ["CMD", "web", "-t"]},
}


def bytes_of(seed: str, size: int) -> bytes:
    """Bytes that are the same each time."""
    return random.Random(seed).randbytes(size)


def push_made(
    client: HubClient,
    tag: str,
    steps: Sequence[Made] = WEB,
    *,
    execution: Mapping[str, Any] = EXECUTION,
    architecture: str = "amd64",
    **manifest: Any,
) -> str:
    """An image with this history; its digest. Without a tag it is there under its digest alone."""
    layers = [bytes_of(f"{architecture} {one.seed or one.created_by}", one.size) for one in steps if one.size]
    config = json.dumps({
        "created": "2026-11-20T10:00:00Z",
        "architecture": architecture,
        "os": "linux",
        "config": execution,
        "rootfs": {"type": "layers", "diff_ids": [digest_of(layer + b"unpacked") for layer in layers]},
        "history": [
            {"created": "2026-11-20T10:00:00Z", "created_by": one.created_by, "empty_layer": not one.size}
            for one in steps
        ],
    }).encode()  # fmt: skip
    for blob in (config, *layers):
        client.push_blob(blob)
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": describe(CONFIG, config),
        "layers": [describe(LAYER, layer) for layer in layers],
        **manifest,
    }
    data = json.dumps(document).encode()
    answer = client.put(tag or digest_of(data), data)
    assert answer.status == 201, answer.data
    return digest_of(data)


def push_index(client: HubClient, tag: str, steps: Sequence[Made] = WEB, *, attested: bool = True) -> str:
    """An image for two platforms under one tag, with an SBOM of the first beside it; its digest."""
    entries = []
    for architecture in ("amd64", "arm64"):
        digest = push_made(client, "", steps, architecture=architecture)
        size = len(client.send("GET", f"manifests/{digest}").data)
        entries.append({"mediaType": MANIFEST, "digest": digest, "size": size,
                        "platform": {"os": "linux", "architecture": architecture}})  # fmt: skip
    if attested:
        entries.append(_attest(client, str(entries[0]["digest"])))
    data = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()
    answer = client.put(tag, data, INDEX)
    assert answer.status == 201, answer.data
    return digest_of(data)


def _attest(client: HubClient, subject: str) -> dict[str, Any]:
    statement, config = b'{"predicateType":"https://spdx.dev/Document"}', b"{}"
    for blob in (statement, config):
        client.push_blob(blob)
    layer = {**describe("application/vnd.in-toto+json", statement),
             "annotations": {"in-toto.io/predicate-type": "https://spdx.dev/Document"}}  # fmt: skip
    data = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": describe(CONFIG, config),
                       "layers": [layer]}).encode()  # fmt: skip
    answer = client.put(digest_of(data), data)
    assert answer.status == 201, answer.data
    return {
        "mediaType": MANIFEST, "digest": digest_of(data), "size": len(data),
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": subject},
    }  # fmt: skip
