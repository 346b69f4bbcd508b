"""The client: repositories of any registry, with one set of connections, logins and tokens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import BinaryIO, TypeVar

from capas.errors import CapasError, Corrupt, Denied, Invalid, NotFound, Unauthenticated, Unavailable
from capas.oci import media
from capas.oci.descriptor import Descriptor
from capas.oci.digest import Digest
from capas.oci.document import MAX_BYTES
from capas.reference import Reference
from capas.registry import blobs_down, blobs_up, listings, manifests, referrers
from capas.registry.auth import Authorizer
from capas.registry.blobs_down import BlobStream
from capas.registry.credentials import Credentials, Find
from capas.registry.endpoint import Endpoint, mirrors_of, origin_of
from capas.registry.manifests import Fetched
from capas.registry.message import Conversation, Response, Transport, Upload, converse, read_up_to
from capas.registry.piece import Piece
from capas.registry.scope import pulling, pushing
from capas.registry.session import Session
from capas.registry.transport import HttpTransport
from capas.settings import Settings

T = TypeVar("T")


class Client:
    """Conversations with registries, for many threads at once. `transport` stands in for the network in tests.

    `find` says which login to use where it is not the user's own `credentials` that count.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        credentials: Credentials | None = None,
        find: Find | None = None,
        transport: Transport | None = None,
    ) -> None:
        self.settings = settings
        self.credentials = credentials or Credentials(settings.docker_config, environ=settings.environ)
        self.transport = transport or HttpTransport(settings)
        self._authorizer = Authorizer(find or self.credentials.find)
        self._lock = threading.Lock()
        self._sessions: dict[Endpoint, Session] = {}

    def repository(self, reference: Reference) -> Repository:
        """The repository of a reference. Raises: Invalid for a mirror in the settings that is no address."""
        domain = reference.domain
        mirrors = [self.session(mirror) for mirror in mirrors_of(domain, self.settings)]
        return Repository(self, reference, self.session(origin_of(domain, self.settings)), mirrors)

    def registry(self, domain: str) -> Registry:
        """A registry as a whole."""
        return Registry(self, self.session(origin_of(domain, self.settings)))

    def session(self, endpoint: Endpoint) -> Session:
        """The session with an endpoint: one for the life of the client."""
        with self._lock:
            return self._sessions.setdefault(endpoint, Session(endpoint, self._authorizer))

    def converse(self, conversation: Conversation[T]) -> T:
        """Lead a conversation to its end, in this thread."""
        return converse(self.transport, conversation)

    def close(self) -> None:
        """Let go of idle connections. The client may be used again."""
        self.transport.close()


class Registry:
    """A registry as a whole."""

    def __init__(self, client: Client, session: Session) -> None:
        self._client = client
        self._session = session

    def list_catalog(self) -> list[str]:
        """Every repository that it will tell us of. Raises: Unauthenticated; Denied; Unsupported; Unavailable."""
        return self._client.converse(listings.list_catalog(self._session))


class Repository:
    """A repository: what is read comes from a mirror where one has it, what is written goes to the registry itself."""

    def __init__(self, client: Client, reference: Reference, session: Session, mirrors: Sequence[Session]) -> None:
        self.domain = reference.domain
        self.path = reference.path
        self._client = client
        self._session = session
        self._mirrors = mirrors
        self._down: set[Session] = set()

    def get_manifest(self, target: str, accept: Sequence[str] = media.ACCEPTED) -> Fetched:
        """The manifest or index of a tag or digest, verified.

        Raises: NotFound; Unauthenticated; Denied; Unavailable; Corrupt.
        """
        return self._read(lambda session: manifests.get_manifest(session, self.path, target, accept))

    def head_manifest(self, target: str, accept: Sequence[str] = media.ACCEPTED) -> Descriptor | None:
        """What a tag or digest points at, in one small request; None where that is not told.

        Raises: NotFound; Unauthenticated; Denied; Unavailable.
        """
        return self._read(lambda session: manifests.head_manifest(session, self.path, target, accept))

    def list_near(self, refusal: CapasError) -> list[str]:
        """Repositories that may have been meant, where whoever refused says how such are found; none elsewhere."""
        from capas.registry.suggestion import find_near

        url = str(refusal.facts.get("near", ""))
        session = next((one for one in (*self._mirrors, self._session) if url and one.is_here(url)), None)
        try:
            return self._client.converse(find_near(session, url)) if session else []
        except CapasError:
            return []  # it only helps

    def put_manifest(self, target: str, data: bytes, media_type: str) -> Digest:
        """Store a manifest under a tag or its digest. Order: its blobs first. Raises: as the registry refuses."""
        return self._write(manifests.put_manifest(self._session, self.path, target, data, media_type))

    def announce_referrer(self, subject: Digest, referrer: Descriptor) -> None:
        """See that a manifest is listed among those about `subject`. Order: after it. Raises: as refused."""
        self._write(referrers.announce_referrer(self._session, self.path, subject, referrer))

    def delete_manifest(self, digest: Digest) -> None:
        """Delete a manifest, with its tags. Raises: NotFound; Unsupported; Denied."""
        self._write(manifests.delete_manifest(self._session, self.path, digest))

    def delete_tag(self, tag: str) -> None:
        """Delete a tag alone. Raises: NotFound; Unsupported where the registry cannot; Denied."""
        self._write(manifests.delete_manifest(self._session, self.path, tag))

    def list_tags(self) -> list[str]:
        """Every tag. Raises: NotFound; Unauthenticated; Denied; Unavailable."""
        return self._read(lambda session: listings.list_tags(session, self.path))

    def referrers(self, digest: Digest, artifact_type: str = "") -> list[Descriptor]:
        """The manifests that are about this one."""
        return self._read(lambda session: listings.list_referrers(session, self.path, digest, artifact_type))

    def open_blob(self, descriptor: Descriptor, offset: int = 0, *, verify: bool = True) -> BlobStream:
        """A blob from `offset` on, to be closed; its size is checked, and (from the start) its digest.

        Raises: NotFound, and from `read`: Corrupt; Unavailable.
        """

        def fetch(position: int, after_seconds: float) -> Response:
            return self._read(
                lambda session: blobs_down.get_blob(session, self.path, descriptor.digest, position, after_seconds)
            )

        return BlobStream(fetch, descriptor, offset=offset, verify=verify)

    def read_blob(self, descriptor: Descriptor) -> bytes:
        """A small blob, whole: a config or another document. Raises: NotFound; Corrupt; Unavailable."""
        if descriptor.size > MAX_BYTES:
            raise Corrupt("{digest} claims to have {size} bytes", digest=descriptor.digest, size=descriptor.size)
        stream = self.open_blob(descriptor)
        try:
            return read_up_to(stream, descriptor.size + 1)
        finally:
            stream.close()

    def stat_blob(self, digest: Digest) -> int | None:
        """The size of a blob in this repository, None where it is not."""
        try:
            return self._read(lambda session: blobs_down.stat_blob(session, self.path, digest, pulling(self.path)))
        except NotFound:
            return None

    def has_blob(self, digest: Digest) -> bool:
        """Whether the blob is in this repository of the registry itself (no mirror), for one who may push to it."""
        try:
            self._write(blobs_down.stat_blob(self._session, self.path, digest, pushing(self.path)))
        except NotFound:
            return False
        return True

    def mount_blob(self, digest: Digest, from_path: str) -> bool:
        """Take a blob over from another repository of the registry. Whether that worked."""
        return self._write(blobs_up.mount_blob(self._session, self.path, digest, from_path)) is None

    def push_blob(
        self,
        descriptor: Descriptor,
        open: Callable[[], BinaryIO],
        *,
        source: str = "",
        report: Callable[[int], None] = lambda done: None,
    ) -> bool:
        """Send a blob, or have it mounted from the repository `source`: whether it was sent.

        `report` hears how many bytes are behind us. Raises: Denied; Unauthenticated; Unavailable; Exhausted; Corrupt.
        """

        def piece(offset: int, size: int) -> Upload:
            return Upload(lambda: Piece(open(), offset, size, report), size)

        begun = None
        if source:
            try:
                begun = self._write(blobs_up.mount_blob(self._session, self.path, descriptor.digest, source))
            except (Denied, Unauthenticated, NotFound, Invalid):
                pass  # not ours to read there: then it is sent
            else:
                if begun is None:
                    return False
        blob = blobs_up.Blob(descriptor, self.path, piece)
        self._write(blobs_up.push_blob(self._session, blob, begun))
        return True

    def _write(self, conversation: Conversation[T]) -> T:
        return self._client.converse(conversation)

    def _read(self, talk: Callable[[Session], Conversation[T]]) -> T:
        """The first answer: mirrors in their order, then the registry. What a mirror refuses, the next may have."""
        refusal: CapasError | None = None
        for mirror in self._mirrors:
            if mirror in self._down:
                continue
            try:
                return self._client.converse(talk(mirror))
            except CapasError as error:
                refusal = refusal or error
                if isinstance(error, Unavailable):
                    self._down.add(mirror)  # for the life of this object: each of ten layers need not ask again
        try:
            return self._client.converse(talk(self._session))
        except Unavailable as error:
            if isinstance(refusal, NotFound | Unauthenticated):
                raise refusal from error  # that the mirror has it not says more than that nobody else is there
            raise
