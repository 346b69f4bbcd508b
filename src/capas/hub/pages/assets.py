"""Static files: read once, served from memory under names that tell their content, so that browsers keep them."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from capas.hub.pages.headers import secure

_PLACE = Path(__file__).with_name("static")
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Asset(NamedTuple):
    """A file as it is served. `packed`: by gzip."""

    media_type: str
    data: bytes
    packed: bytes


class Assets:
    """The files of `static/`."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._held: dict[str, Asset] = {}
        for path in sorted(_PLACE.iterdir()):
            if path.suffix in _TYPES:
                data = path.read_bytes()
                name = f"{path.stem}.{hashlib.sha256(data).hexdigest()[:12]}{path.suffix}"
                self._names[path.name] = f"/static/{name}"
                self._held[name] = Asset(_TYPES[path.suffix], data, gzip.compress(data, mtime=0))

    def address(self, name: str) -> str:
        """Where a file is: `capas.css` → `/static/capas.0123456789ab.css`."""
        return self._names[name]

    def find(self, name: str) -> Asset | None:
        """The file under the name that it is served by."""
        return self._held.get(name)


async def _serve(request: Request) -> Response:
    asset = request.app.state.assets.find(request.path_params["name"])
    if asset is None:
        response = Response("not found\n", 404, media_type="text/plain")
    else:
        packed = "gzip" in request.headers.get("accept-encoding", "")
        response = Response(asset.packed if packed else asset.data, media_type=asset.media_type)
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        response.headers["vary"] = "accept-encoding"
        if packed:
            response.headers["content-encoding"] = "gzip"
    secure(response)
    return response


ROUTES = [Route("/static/{name}", _serve)]
