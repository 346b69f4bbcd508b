"""An archive's members spooled: blobs into the store as the archive comes, read once and forward."""

from __future__ import annotations

import os
import threading

from capas.image.archive_members import Member, Members, digest_in, iter_pieces
from capas.layer.compression import decompress
from capas.layer.entry import Entry
from capas.oci import media
from capas.oci.descriptor import Descriptor
from capas.oci.digest import DiffID, Digest
from capas.store.contract import BlobStore, Readable
from capas.store.put import fresh_ingest
from capas.store.records import Records


class Spool(Members):
    """What an archive holds, by path. Nothing of it is written anywhere but into the store of blobs, by digest."""

    def __init__(self, blobs: BlobStore, records: Records) -> None:
        super().__init__()
        self._blobs = blobs
        self._records = records

    def fill(self, stream: Readable) -> None:
        """Take every member, to the end of the stream, compressed or not; it need not be seekable.

        Raises: Corrupt for a broken tar, a blob whose digest is not its name, a document above 4 MiB; Exhausted.
        """
        tar = decompress(stream)
        self.take(tar)
        for _ in iter_pieces(tar):  # whoever writes the pipe is not cut off, and a compressed stream is checked whole
            pass

    def describe_layer(self, path: str, diff_id: DiffID) -> Descriptor:
        """See `Members`."""
        member = self.get(path)
        known = self._records.find_layer(diff_id)  # pulled before: the archive's tar of it need not be kept
        if known is not None and self._blobs.stat(known.digest) == known.size:
            return Descriptor(media_type=known.media_type, digest=known.digest, size=known.size)
        return Descriptor(media_type=media.layer_type(member.sniff()), digest=member.digest, size=member.size)

    def _hold(self, path: str, entry: Entry, body: Readable) -> Member:
        named = digest_in(path)
        if named is not None and self._blobs.stat(named) == entry.size:
            return self._member(named, entry.size)
        with fresh_ingest(self._blobs, f"load+{os.getpid()}+{threading.get_ident()}") as ingest:
            try:
                for piece in iter_pieces(body):
                    ingest.write(piece)
                digest = named or ingest.digest
                ingest.commit(digest, entry.size)
            except BaseException:
                ingest.abort()
                raise
        return self._member(digest, entry.size)

    def _member(self, digest: Digest, size: int) -> Member:
        return Member(size, lambda: digest, lambda: self._blobs.open(digest))
