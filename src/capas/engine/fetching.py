"""Downloads by URL (`ADD https://…`, a build context, `import`), and of blobs that a registry has for us."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import unquote, urlsplit

from capas.build.urls import without_credentials
from capas.errors import Denied, NotFound, Unauthenticated, Unavailable
from capas.settings import Settings

if TYPE_CHECKING:
    import urllib3

    from capas.registry.client import Client
    from capas.store.contract import Ingest
    from capas.store.records import SparedRecord

_CHUNK = 1 << 20


def fetch(settings: Settings, url: str, out: BinaryIO, *, authorization: str = "") -> None:
    """Write what is at a URL to `out`. Raises: NotFound; Denied; Unavailable."""
    with open_url(settings, url, authorization=authorization) as stream:
        while chunk := stream.read(_CHUNK):
            out.write(chunk)


@contextmanager
def open_url(settings: Settings, url: str, *, authorization: str = "") -> Iterator[BinaryIO]:
    """The body at a URL, to be read forward. A login in the URL, or `authorization`, is shown to its host alone.

    Raises: NotFound; Denied; Unavailable.
    """
    import urllib3

    shown = without_credentials(url)
    with _pool(settings, url) as pool:
        try:
            answer = pool.request(
                "GET", url, headers=_headers(url, authorization), preload_content=False, timeout=60.0, redirect=True
            )
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
            answer.close()


def fetch_spared(client: Client, spared: SparedRecord, sources: Sequence[tuple[str, str]], ingest: Ingest) -> None:
    """Bring the bytes of a blob that is not kept from the first registry that has it. Raises: Unavailable."""
    from capas.oci.descriptor import Descriptor
    from capas.reference import Reference

    descriptor = Descriptor(media_type="application/octet-stream", digest=spared.digest, size=spared.size)
    failures = []
    for domain, path in sources:
        try:
            stream = client.repository(Reference(domain, path)).open_blob(descriptor, ingest.offset, verify=False)
            try:
                while data := stream.read(_CHUNK):
                    ingest.write(data)
            finally:
                stream.close()
            return
        except (NotFound, Denied, Unauthenticated, Unavailable) as error:
            failures.append(str(error))
    raise Unavailable(
        "the packed bytes of layer {digest} are not kept here, and no registry gives them: {why}",
        digest=spared.digest, why="; ".join(failures) or "none is known",
        hint="log in, or pull the image again where it is; store.keep = \"both\" keeps such bytes",
    )  # fmt: skip


def _headers(url: str, authorization: str) -> dict[str, str]:
    """urllib3 takes Authorization out again where a redirect leads to another host."""
    info = urlsplit(url).netloc.rpartition("@")[0]
    if not authorization and info:
        authorization = "Basic " + b64encode(unquote(info).encode()).decode()
    return {"Authorization": authorization} if authorization else {}


def _pool(settings: Settings, url: str) -> urllib3.PoolManager:
    import urllib3

    trusted = str(settings.build_ca_bundle) if settings.build_ca_bundle else None
    proxy = settings.proxies.get(url.partition(":")[0] + "_proxy")
    return urllib3.ProxyManager(proxy, ca_certs=trusted) if proxy else urllib3.PoolManager(ca_certs=trusted)
