"""The client of an object store: one `Objects` for all that the hub does there, with errors of our kinds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from capas.errors import Denied, Invalid, NotFound, Unavailable, Unsupported

if TYPE_CHECKING:
    from capas.hub.storage.place import StorageConfig

try:
    import obstore
    from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
    from obstore.store import from_url
except ImportError:
    raise Unsupported(
        "a hub on an object store needs one more package", hint='install it: pip install "capas[hub-s3]"'
    ) from None

PART_BYTES = 8 * 1024 * 1024  # of a large object, sent at once; at most 10,000 of them
_PARTS_AT_ONCE = 4
_RETRY_SECONDS = 20.0
_SIGNED_SECONDS = 900.0  # how long a client has to begin
_SIGNS = ("s3", "s3a", "gs", "az", "adl", "azure", "abfs", "abfss")


class Object(NamedTuple):
    """What a list says of one. `size` is in bytes."""

    key: str
    size: int
    modified_ns: int


class Writer:
    """An object under way: it is there, whole, once it is closed."""

    def __init__(self, objects: Objects, key: str) -> None:
        self._objects = objects
        self._file = obstore.open_writer(objects.store, key, buffer_size=PART_BYTES, max_concurrency=_PARTS_AT_ONCE)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append. Raises: Unavailable."""
        with self._objects.errors():
            self._file.write(data)

    def close(self) -> None:
        """Make it visible. Raises: Unavailable: it is not."""
        with self._objects.errors():
            self._file.close()


class Objects:
    """The objects under one URL. Every method blocks; safe from any thread.

    Raises: Unavailable, Denied, and NotFound where an object is read that is not there.
    """

    def __init__(self, name: str, store: Any, signer: Any = None) -> None:
        self._name = name
        self.store = store
        self._signer = signer

    def stat(self, key: str) -> int:
        """Its size in bytes."""
        with self.errors():
            return int(obstore.head(self.store, key)["size"])

    def read(self, key: str, start: int, length: int) -> bytes:
        """Bytes of it."""
        with self.errors():
            return bytes(obstore.get_range(self.store, key, start=start, length=length))

    def put(self, key: str, data: bytes | bytearray) -> None:
        """A small object, whole."""
        with self.errors():
            obstore.put(self.store, key, bytes(data), use_multipart=False)

    def write(self, key: str) -> Writer:
        """A large object, part by part."""
        with self.errors():
            return Writer(self, key)

    def copy(self, source: str, target: str) -> None:
        """Within the store: the bytes do not come here."""
        with self.errors():
            obstore.copy(self.store, source, target)

    def delete(self, keys: Sequence[str]) -> None:
        """Idempotent."""
        try:
            with self.errors():
                obstore.delete(self.store, list(keys))
        except NotFound:
            return

    def list(self, prefix: str) -> Iterator[Object]:
        """Those under a prefix that ends at a slash."""
        with self.errors():
            for chunk in obstore.list(self.store, prefix, chunk_size=1000):
                for meta in chunk:
                    modified_ns = int(meta["last_modified"].timestamp() * 1_000_000_000)
                    yield Object(meta["path"], int(meta["size"]), modified_ns)

    def sign(self, key: str) -> str | None:
        """An address from which anybody may read it for a while, None where clients are not sent to the store."""
        if self._signer is None:
            return None
        with self.errors():
            return obstore.sign(self._signer, "GET", key, timedelta(seconds=_SIGNED_SECONDS))

    @contextmanager
    def errors(self) -> Iterator[None]:
        """A block in which the store's errors are ours."""
        try:
            yield
        except FileNotFoundError:
            raise NotFound("there is no such object in {url}", url=self._name) from None
        except (PermissionError, PermissionDeniedError, UnauthenticatedError) as error:
            raise Denied("the object store {url} refuses: {why}", url=self._name, why=_first_line(error)) from None
        except (BaseError, OSError) as error:
            raise Unavailable(
                "cannot use the object store {url}: {why}", url=self._name, why=_first_line(error)
            ) from None


def open_objects(config: StorageConfig) -> Objects:
    """The client for a configuration. Raises: Invalid for a URL or an option that the store does not know."""
    scheme = config.url.partition("://")[0]
    signer = None
    try:
        store = _open(config.url, config.options)
        if config.redirect and scheme in _SIGNS:
            public = {"endpoint": config.public_endpoint} if config.public_endpoint else {}
            signer = _open(config.url, {**config.options, **public})
    except (BaseError, OSError, ValueError, TypeError) as error:
        raise Invalid(
            "the hub cannot use {url} as its storage: {why}", url=config.url, why=_first_line(error)
        ) from None
    return Objects(config.url, store, signer)


def _open(url: str, options: Mapping[str, str]) -> Any:
    allow_http = options.get("endpoint", "").startswith("http://")
    return from_url(
        url,
        config=cast(Any, dict(options)),
        client_options={"allow_http": allow_http},
        retry_config={"max_retries": 10, "retry_timeout": timedelta(seconds=_RETRY_SECONDS)},
    )


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
