"""Carrying requests over HTTP: connections kept and shared by threads, every wait bounded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from capas.errors import CapasError, Invalid
from capas.registry.endpoint import HUB_HOST
from capas.registry.message import Request, Response, Upload, host_of
from capas.registry.proxy import find_proxy, without_login
from capas.settings import Settings

if TYPE_CHECKING:
    import ssl

    from urllib3 import BaseHTTPResponse, PoolManager

_CONNECT_SECONDS, _READ_SECONDS = 15.0, 60.0
_KEPT = 8  # idle connections to one host
_BLOCK = 256 << 10
_HEADERS = {"User-Agent": "capas", "Accept-Encoding": "identity"}


class _Key(NamedTuple):
    tls: bool
    proxy: str | None
    ca_bundle: Path | None
    insecure: bool


class HttpTransport:
    """A `Transport` on urllib3, made when it is first needed. Bodies come as they were sent, never inflated.

    `manager` makes the connections where no proxy does.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        sleep: Callable[[float], object] = time.sleep,
        connect_seconds: float = _CONNECT_SECONDS,
        read_seconds: float = _READ_SECONDS,
        manager: Callable[..., PoolManager] | None = None,
    ) -> None:
        self._settings = settings
        self._manager = manager
        self._patience = (connect_seconds, read_seconds)
        self._sleep = sleep
        self._lock = threading.Lock()
        self._pools: dict[_Key, PoolManager] = {}

    def send(self, request: Request) -> Response:
        """One exchange; neither redirects nor tries are made here. Raises: Unavailable, with a `reason`."""
        if request.after_seconds > 0:
            self._sleep(request.after_seconds)
        body: Any = request.body
        headers = {**_HEADERS, **request.headers}
        if isinstance(body, Upload):
            headers["Content-Length"] = str(body.size)
            body = body.open()
        elif body is None and request.method in ("POST", "PUT", "PATCH"):
            headers["Content-Length"] = "0"
        try:
            raw = self._pool(request.url).urlopen(
                request.method, request.url, body=body, headers=headers, redirect=False, retries=False,
                preload_content=False, decode_content=False,
            )  # fmt: skip
        except CapasError:
            raise
        except Exception as error:
            raise _failure(error, request.url) from None
        finally:
            if isinstance(request.body, Upload) and hasattr(body, "close"):
                body.close()
        response = Response(raw.status, dict(raw.headers), _RawBody(raw, request.url), request.url)
        if request.method == "HEAD":
            response.discard()
        return response

    def close(self) -> None:
        """Let go of idle connections."""
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            pool.clear()

    def _pool(self, url: str) -> PoolManager:
        host = host_of(url)
        chosen = self._settings.registry("docker.io" if host == HUB_HOST else host)
        proxy = find_proxy(url, self._settings.proxies)
        tls = not url.startswith("http:") or (proxy or "").startswith("https:")
        key = _Key(tls, proxy, chosen.ca_bundle, chosen.insecure)
        with self._lock:
            if key not in self._pools:
                self._pools[key] = self._open(key)
            return self._pools[key]

    def _open(self, key: _Key) -> PoolManager:
        import urllib3

        options: dict[str, Any] = {
            "maxsize": _KEPT,
            "block": False,
            "blocksize": _BLOCK,
            "timeout": urllib3.Timeout(connect=self._patience[0], read=self._patience[1]),
        }
        if key.tls:  # reading the system's certificates takes a while: not for plain http
            options["ssl_context"] = self._context(key.ca_bundle, insecure=key.insecure)
        if key.insecure:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # the user named it insecure
        if key.proxy is None:
            return (self._manager or urllib3.PoolManager)(**options)
        address, login = without_login(key.proxy)
        headers = urllib3.make_headers(proxy_basic_auth=login) if login else None
        return urllib3.ProxyManager(address, proxy_headers=headers, **options)

    def _context(self, ca_bundle: Path | None, *, insecure: bool) -> ssl.SSLContext:
        import ssl

        context = ssl.create_default_context()
        environ = self._settings.environ
        try:
            if environ.get("SSL_CERT_FILE") or environ.get("SSL_CERT_DIR"):
                context.load_verify_locations(environ.get("SSL_CERT_FILE") or None, environ.get("SSL_CERT_DIR") or None)
            if ca_bundle is not None:
                context.load_verify_locations(ca_bundle)
        except (OSError, ssl.SSLError) as error:
            raise Invalid(
                "cannot read the certificates in {path}: {why}",
                path=str(ca_bundle or environ.get("SSL_CERT_FILE")), why=error.strerror or str(error),
            ) from None  # fmt: skip
        if insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class _RawBody:
    """A response's bytes, with the connection's errors as ours."""

    def __init__(self, raw: BaseHTTPResponse, url: str) -> None:
        self._raw = raw
        self._url = url
        self._open = True

    def read(self, size: int = -1, /) -> bytes:
        if not self._open or size == 0:
            return b""
        try:
            return self._raw.read(None if size < 0 else size, decode_content=False)
        except Exception as error:
            self.close()
            raise _failure(error, self._url) from None

    def close(self) -> None:
        if self._open:
            self._open = False
            self._raw.close()


def _failure(error: Exception, url: str) -> CapasError:
    from capas.registry.failure import failure_of

    return failure_of(error, url)
