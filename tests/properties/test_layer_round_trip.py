"""What is written is read back, by us and by the other readers of tar."""

import io
import tarfile

from hypothesis import given
from hypothesis import strategies as st

from capas.layer.entry import BLOCK, CHARACTER, DIRECTORY, FIFO, FILE, HARDLINK, SYMLINK, Entry
from capas.layer.reader import iter_entries
from capas.layer.writer import TarWriter

names = st.binary(min_size=1, max_size=255).filter(lambda b: not set(b) & {0, 47} and b not in (b".", b".."))
paths = st.lists(names, min_size=1, max_size=6).map(b"/".join)
xattrs = st.dictionaries(
    st.sampled_from([b"user.a", b"user.b=c", b"security.capability", b"user.\xc3\xa9"]), st.binary(max_size=40)
)


NO_TARGET, NO_DEVICE = st.just(b""), st.just((0, 0))


def built(kinds, target=NO_TARGET, device=NO_DEVICE):
    return st.builds(
        Entry,
        path=paths,
        kind=st.sampled_from(kinds),
        mode=st.integers(0, 0o7777),
        uid=st.integers(0, 2**32 - 2),
        gid=st.integers(0, 2**32 - 2),
        size=st.just(0),
        mtime_ns=st.integers(-(2**62), 2**62),
        target=target,
        device=device,
        xattrs=xattrs,
        offset=st.just(-1),
        sparse=st.none(),
    )


numbers = st.tuples(st.integers(0, (1 << 12) - 1), st.integers(0, (1 << 20) - 1))  # as Linux has them
links = st.binary(min_size=1, max_size=300).filter(lambda b: 0 not in b)
entries = st.one_of(
    built([DIRECTORY, FIFO]),
    built([CHARACTER, BLOCK], device=numbers),
    built([SYMLINK], target=links),
    built([HARDLINK], target=paths),
)
files = st.tuples(built([FILE]), st.binary(max_size=1500))
members = st.lists(st.one_of(files, entries.map(lambda entry: (entry, b""))), max_size=8)


def written(wanted):
    out = io.BytesIO()
    writer = TarWriter(out.write)
    for entry, body in wanted:
        writer.add(entry._replace(size=len(body)), io.BytesIO(body))
    writer.finish()
    return out.getvalue()


@given(members)
def test_every_entry_comes_back_as_it_was(wanted):
    data = written(wanted)
    read = [(entry, body.read()) for entry, body in iter_entries(io.BytesIO(data))]
    assert [(entry._replace(offset=-1), body) for entry, body in read] == [
        (entry._replace(size=len(body)), body) for entry, body in wanted
    ]
    for entry, body in read:
        assert entry.offset == -1 or data[entry.offset : entry.offset + entry.size] == body


@given(members)
def test_tarfile_reads_what_we_write(wanted):
    with tarfile.open(fileobj=io.BytesIO(written(wanted)), encoding="utf-8", errors="surrogateescape") as tar:
        found = [
            (
                info.name.encode("utf-8", "surrogateescape"),
                info.type,
                info.mode,
                info.uid,
                info.gid,
                info.linkname.encode("utf-8", "surrogateescape"),
                tar.extractfile(info).read() if info.isreg() else b"",
            )
            for info in tar
        ]
    assert found == [
        (entry.path, entry.kind, entry.mode, entry.uid, entry.gid, _shown(entry), body) for entry, body in wanted
    ]


def _shown(entry):
    return entry.target.removesuffix(b"/") if entry.kind == HARDLINK else entry.target
