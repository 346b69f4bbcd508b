"""Pages in a browser have no business here: TCP addresses answer none, whatever name they were reached by.

A page of anywhere may send requests to 127.0.0.1 (they carry `Origin`), and one whose name has been pointed at
127.0.0.1 may read the answers too (the request carries that name as its `Host`).
"""

from __future__ import annotations

import socket
from ipaddress import ip_address

from aiohttp import web

from capas.dockerapi.answers import Handler
from capas.errors import Denied


@web.middleware
async def refuse_browsers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Raises: Denied for a request of a page, and without TLS for one to a name that is not this machine's."""
    if "Origin" in request.headers or request.headers.get("Sec-Fetch-Site", "none") != "none":
        raise Denied("pages in a browser may not use this address")
    plain_tcp = isinstance(request.get_extra_info("sockname"), tuple)  # TLS ends before us, and has checked the name
    if plain_tcp and not _is_ours(request.host):
        raise Denied("{host} is not a name of this machine", host=request.host[:200])
    return await handler(request)


def _is_ours(host: str) -> bool:
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    try:
        ip_address(name)
    except ValueError:
        return name.lower() in {"localhost", socket.gethostname().lower(), socket.getfqdn().lower()}
    return True
