"""Where everything is in a layer file. All but the tar follows from the tar, so that a file can be held against it.

0      our record (`Record`), and at 1,024 the superblock of EROFS
4,096  the tar, byte for byte
then   data of files with holes, each chunk of it on blocks of its own
then   the metadata, and after it our notes on what the layer left open
"""

from __future__ import annotations

import json
import zlib
from typing import NamedTuple

from capas.errors import Unsupported
from capas.layer.entry import FILE, Entry
from capas.layer.erofs.format import BLOCK, BLOCK_BITS, MOST_CHUNK_BITS, NO_BLOCK, pack_superblock
from capas.layer.erofs.metadata import Chunks, pack_metadata
from capas.layer.erofs.nodes import File, Folder, LayerTree
from capas.layer.erofs.record import TAR, Record, pack_record
from capas.layer.notes import dump_notes
from capas.oci.digest import DiffID

_MOST_BLOCKS = 1 << 32
_LEAST_CHUNK_BITS = 12
_FREE_CHUNKS = 4096


class Copy(NamedTuple):
    """Data of a file with holes, to stand at `target` as it stands in the tar at `source` (offsets in the file)."""

    source: int
    target: int
    size: int


class Layout(NamedTuple):
    """All of a layer file but its tar."""

    header: bytes
    copies: list[Copy]
    metadata_at: int
    metadata: bytearray
    size: int


def lay_out(tree: LayerTree, tar_size: int, diff_id: DiffID) -> Layout:
    """The layout of a layer of these files. Finishes the tree. Raises: Unsupported; Corrupt."""
    notes = tree.finish()
    holes = _Holes(TAR + tar_size + -tar_size % BLOCK)
    sparse = _list_sparse(tree.root) if tree.has_holes else []
    chunks = {id(file): holes.place(file.entry) for file in sparse}
    start = holes.end // BLOCK
    packed = pack_metadata(tree.root, start, TAR // BLOCK, chunks)
    tail = dump_notes(notes) + b"\n" + _dump_holes(sparse) + b"\n"
    tail += bytes(-len(tail) % BLOCK)
    notes_at = holes.end + len(packed.data)
    size = notes_at + len(tail)
    if size // BLOCK >= _MOST_BLOCKS:
        raise Unsupported("the layer is larger than the {limit} bytes of a layer file", limit=_MOST_BLOCKS * BLOCK)
    superblock = pack_superblock(
        blocks=size // BLOCK, meta_block=start, inodes=packed.inodes, uuid=bytes.fromhex(diff_id.hex)[:16],
        chunked=bool(chunks),
    )  # fmt: skip
    sums = zlib.crc32(packed.data), zlib.crc32(tail)
    record = Record(diff_id, tar_size, holes.end, notes_at, size, *sums)
    return Layout(pack_record(record, superblock), holes.copies, holes.end, packed.data + tail, size)


def _dump_holes(sparse: list[File]) -> bytes:
    """Where the data of files with holes is in the tar, and its pieces: what chunks do not tell."""
    return json.dumps({file.slot: (file.entry.offset, file.entry.sparse) for file in sparse}).encode()


def _list_sparse(root: Folder) -> list[File]:
    """The files with holes, each once, in the order of the tar."""
    found: dict[int, File] = {}
    waiting = [root]
    while waiting:
        for child in waiting.pop().children.values():
            if isinstance(child, Folder):
                waiting.append(child)
            elif child.entry.sparse is not None and child.entry.kind == FILE:
                found[id(child)] = child
    return sorted(found.values(), key=lambda file: file.entry.offset)


class _Holes:
    """Places for the data of files with holes. What of a chunk no data covers is a hole in the layer file itself."""

    def __init__(self, end: int) -> None:
        self.end = end
        self.copies: list[Copy] = []

    def place(self, entry: Entry) -> Chunks:
        pieces = entry.sparse or ()
        bits = _chunk_bits(entry.size, len(pieces))
        blocks: dict[int, int] = {}
        source = TAR + entry.offset
        for offset, length in pieces:
            done = 0
            while done < length:
                number, inside = divmod(offset + done, 1 << bits)
                size = min(length - done, (1 << bits) - inside)
                target = blocks.get(number)
                if target is None:
                    target = blocks[number] = self.end
                    self.end += 1 << bits
                self.copies.append(Copy(source, target + inside, size))
                source += size
                done += size
        count = -(-entry.size // (1 << bits))
        addresses = (blocks[number] // BLOCK if number in blocks else NO_BLOCK for number in range(count))
        return Chunks(bits, b"".join(address.to_bytes(4, "little") for address in addresses))


def _chunk_bits(size: int, pieces: int) -> int:
    """The size of a file's chunks: small ones, unless so many would be needed that a tiny tar made a huge table."""
    bits = _LEAST_CHUNK_BITS
    while size >> bits > _FREE_CHUNKS + 16 * pieces:
        bits += 1
    if bits > MOST_CHUNK_BITS:
        raise Unsupported("a file of {size} bytes is larger than a layer file takes", size=size)
    return bits


assert _LEAST_CHUNK_BITS >= BLOCK_BITS
