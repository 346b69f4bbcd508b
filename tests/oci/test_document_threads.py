"""Documents are read by many threads at once, from the first one on."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import sys, threading
from capas.oci.document import decode
from capas.oci.manifest import Manifest
sys.setswitchinterval(1e-6)
data = b'{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"sha256:' + b"0" * 64 + b'","size":1},"layers":[]}'
barrier, read = threading.Barrier(16), []
def work():
    barrier.wait()
    read.append(decode(data, Manifest, "manifest").config.size)
threads = [threading.Thread(target=work) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert read == [1] * 16
"""


def test_the_first_documents_of_a_process_may_be_read_by_many_threads_at_once() -> None:
    """msgspec alone crashes the process in every second of these runs."""
    for _ in range(8):
        subprocess.run([sys.executable, "-c", _PROGRAM], check=True, timeout=60)
