"""JSON documents of servers that the keeper trusts: by https, or on this machine; small, soon, without redirects."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from capas.errors import Unavailable
from capas.registry.trust import is_loopback
from capas.typed import from_json

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

T = TypeVar("T")

_SECONDS = 10.0
_LARGEST = 1 << 20


class Documents:
    """Fetches them. Safe from any thread."""

    def __init__(self) -> None:
        self._pool: PoolManager | None = None

    def get(self, url: str, kind: type[T]) -> T:
        """The document there. Raises: Unavailable."""
        return self._read(self._send("GET", url, None, {}), url, kind)

    def post(self, url: str, form: dict[str, str], login: tuple[str, str] | None, kind: type[T]) -> T:
        """What a form is answered with. `login`: a name and secret, by Basic. Raises: Unavailable."""
        from urllib.parse import quote_plus

        from urllib3.util import make_headers

        headers = {"content-type": "application/x-www-form-urlencoded"}
        if login is not None:  # RFC 6749, section 2.3.1: each encoded first
            headers |= make_headers(basic_auth=":".join(map(quote_plus, login)))
        return self._read(self._send("POST", url, urlencode(form), headers), url, kind)

    def check(self, url: str) -> None:
        """Raises: Unavailable for an address that secrets must not go to."""
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.netloc)):
            raise Unavailable("{url} is not an https address", url=url[:200])

    def _send(self, method: str, url: str, body: str | None, headers: dict[str, str]) -> BaseHTTPResponse:
        from urllib3 import PoolManager, Timeout
        from urllib3.exceptions import HTTPError

        self.check(url)
        if self._pool is None:
            self._pool = PoolManager(timeout=Timeout(total=_SECONDS), retries=False)
        try:
            return self._pool.request(
                method, url, body=body, headers={"accept": "application/json", **headers}, redirect=False,
                preload_content=False,
            )  # fmt: skip
        except HTTPError as error:
            raise Unavailable("cannot reach {url}: {why}", url=url[:200], why=str(error)[:300]) from error

    def _read(self, response: BaseHTTPResponse, url: str, kind: type[T]) -> T:
        from urllib3.exceptions import HTTPError

        try:
            data = response.read(_LARGEST)
            if response.status != 200:
                raise Unavailable("{url} answers with status {status}", url=url[:200], status=response.status)
            return from_json(data, kind)
        except (HTTPError, msgspec.MsgspecError) as error:
            raise Unavailable("cannot read {url}: {why}", url=url[:200], why=str(error)[:300]) from error
        finally:
            response.release_conn()
