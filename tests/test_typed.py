"""Typed values are read by many threads at once, from the first one on: msgspec alone crashes in every second run."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import sys, threading
{imports}
sys.setswitchinterval(1e-6)
barrier, read = threading.Barrier(16), []
def work():
    barrier.wait()
    read.append({expression})
threads = [threading.Thread(target=work) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert read == [{value}] * 16, read
"""
_MANIFEST = '{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"sha256:' + "0" * 64 + '","size":1},"layers":[]}'
READINGS = {
    "a manifest": (
        "from capas.oci.document import decode\nfrom capas.oci.manifest import Manifest",
        f"decode({_MANIFEST.encode()!r}, Manifest, 'manifest').config.size",
        "1",
    ),
    "a table of contents": (
        "from capas.layer.contents import Contents, Entry\ndata = Contents.of([Entry(b'a', b'0', 0o644)]).dump()",
        "Contents.load(data).entries[0].path",
        "b'a'",
    ),
    "a policy": (
        "from capas.hub.keeping.policy import Policy\nfrom capas.typed import from_json",
        "type(from_json(b'{\"rules\": []}', Policy)).__name__",
        "'Policy'",
    ),
}


@pytest.mark.parametrize("reading", READINGS)
def test_the_first_of_a_process_may_be_read_by_many_threads_at_once(reading: str) -> None:
    imports, expression, value = READINGS[reading]
    program = _PROGRAM.format(imports=imports, expression=expression, value=value)
    for _ in range(4):
        subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
