"""Following redirects: a few, never down to plain http, never with credentials to another origin."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from capas.errors import Corrupt, Denied
from capas.registry.message import Conversation, Request, Response, host_of
from capas.registry.retry import insist
from capas.registry.trust import origin

_MOST = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SECRET = frozenset({"authorization", "cookie", "proxy-authorization"})


def follow(request: Request) -> Conversation[Response]:
    """Send a request and go where the answers point.

    Raises: Corrupt for too many redirects or one to nowhere; Denied for one from https to http; as `insist`.
    """
    for _ in range(_MOST + 1):
        response = yield from insist(request)
        if response.status not in _REDIRECTS or not response.header("location"):
            return response
        if request.method not in ("GET", "HEAD") and response.status not in (307, 308):
            return response
        response.discard()
        request = redirected(request, response.header("location"))
    raise Corrupt("{host} redirects without end", host=request.host)


def redirected(request: Request, location: str) -> Request:
    """The request for the new place; credentials are dropped unless scheme, host and port stay the same.

    Raises: Corrupt; Denied.
    """
    url = resolve(request.url, location)
    if origin(url) == origin(request.url):
        return request._replace(url=url, after_seconds=0.0)
    kept = {name: value for name, value in request.headers.items() if name.lower() not in _SECRET}
    return request._replace(url=url, headers=kept, after_seconds=0.0)


def resolve(base: str, location: str) -> str:
    """The absolute address of a Location, which may be relative. Raises: Corrupt; Denied from https to http."""
    try:
        url = urljoin(base, location)
        parts = urlsplit(url)
        scheme, host, _ = origin(url)
    except ValueError:
        raise Corrupt("{host} points to an address that is none", host=host_of(base)) from None
    if scheme not in ("http", "https") or not host or parts.username is not None or not location.isprintable():
        raise Corrupt("{host} points to an address that is none", host=host_of(base))
    if scheme == "http" and urlsplit(base).scheme == "https":
        raise Denied("{host} points to {other} in plain http: refused", host=host_of(base), other=host_of(url))
    return url
