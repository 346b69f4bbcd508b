"""Downloads by URL: `ADD https://…`, a build context, `import`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from capas.build.urls import without_credentials
from capas.errors import Denied, NotFound, Unavailable
from capas.settings import Settings

if TYPE_CHECKING:
    import urllib3

_CHUNK = 1 << 20


def fetch(settings: Settings, url: str, out: BinaryIO) -> None:
    """Write what is at a URL to `out`. Raises: NotFound; Denied; Unavailable."""
    with open_url(settings, url) as stream:
        while chunk := stream.read(_CHUNK):
            out.write(chunk)


@contextmanager
def open_url(settings: Settings, url: str) -> Iterator[BinaryIO]:
    """The body at a URL, to be read forward. Raises: NotFound; Denied; Unavailable."""
    import urllib3

    shown = without_credentials(url)
    pool = _pool(settings, url)
    try:
        answer = pool.request("GET", url, preload_content=False, timeout=60.0, redirect=True)
    except urllib3.exceptions.HTTPError as error:
        raise Unavailable("cannot read {url}: {error}", url=shown, error=type(error).__name__) from None
    try:
        if answer.status != 200:
            kind = {401: Denied, 403: Denied, 404: NotFound, 410: NotFound}.get(answer.status, Unavailable)
            raise kind("cannot read {url}: the server answered {status}", url=shown, status=answer.status)
        yield cast(BinaryIO, answer)
    except urllib3.exceptions.HTTPError as error:
        raise Unavailable("reading {url} ended too early: {error}", url=shown, error=type(error).__name__) from None
    finally:
        answer.release_conn()


def _pool(settings: Settings, url: str) -> urllib3.PoolManager:
    import urllib3

    trusted = str(settings.build_ca_bundle) if settings.build_ca_bundle else None
    proxy = settings.proxies.get(url.partition(":")[0] + "_proxy")
    return urllib3.ProxyManager(proxy, ca_certs=trusted) if proxy else urllib3.PoolManager(ca_certs=trusted)
