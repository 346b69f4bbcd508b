"""Capas beside its peers on the same work, in one run: medians of several rounds, as ratios. Figures, never tests.

    python benchmarks/run.py [case …] [--rounds N] [--out FILE] [--dir DIR]

Each round runs Capas and its peer one after the other, so that both meet the same machine. As root, with the peers
that `make bench` installs. `--dir` should be on a filesystem with a journal, or in memory.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "examples"), str(HERE.parent / "tests")]

from bases import busybox_tar, debian_tar  # noqa: E402

from support.hub import running_hub  # noqa: E402

CAPAS = str(Path(sys.executable).with_name("capas"))
Work = Callable[[], object]


class Lab:
    """A working directory with stores for Capas and podman, a hub with the bases, and a context of 20,000 files."""

    def __init__(self, root: Path, address: str) -> None:
        self.root, self.address = root, address
        self.env = {**os.environ, "CAPAS_ROOT": str(root / "capas"), "CAPAS_RUN_ROOT": str(root / "run")}
        storage = root / "storage.conf"
        storage.write_text(f'[storage]\ndriver="overlay"\ngraphroot="{root}/podman"\nrunroot="{root}/podman-run"\n')
        hard = subprocess.run(["sh", "-c", "ulimit -n"], capture_output=True, text=True, check=True).stdout.strip()
        containers = root / "containers.conf"
        containers.write_text(
            f'[containers]\ndefault_ulimits=["nofile={hard}:{hard}"]\n'
            '[engine]\ncgroup_manager="cgroupfs"\nevents_logger="file"\n'
        )
        self.env |= {"CONTAINERS_STORAGE_CONF": str(storage), "CONTAINERS_CONF": str(containers)}

    def run(self, *words: str, stdin: bytes | None = None) -> None:
        """One command that must succeed."""
        done = subprocess.run(words, env=self.env, input=stdin, capture_output=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(words)}: {done.stderr.decode()[-500:]}")

    def capas(self, *words: str) -> Work:
        """A command of Capas, to be timed."""
        return lambda: self.run(CAPAS, *words)

    def peer(self, *words: str) -> Work:
        """A command of a peer, to be timed."""
        return lambda: self.run(*words)

    def forget(self) -> None:
        """Empty both stores."""
        subprocess.run(["podman", "rmi", "-af"], env=self.env, capture_output=True, check=False)
        shutil.rmtree(self.root / "capas", ignore_errors=True)


def cases(lab: Lab) -> Iterator[tuple[str, Work | None, Work, Work]]:
    """Each case: its name, what is done before every round, Capas' work, the fastest peer's work."""
    debian, busybox = f"{lab.address}/library/debian", f"{lab.address}/library/busybox"
    tls = "--tls-verify=false"
    yield (
        "pull debian (podman)",
        lab.forget,
        lab.capas("pull", "-q", debian),
        lab.peer("podman", "pull", "-q", tls, debian),
    )
    yield (
        "pull, nothing to do (podman)",
        None,
        lab.capas("pull", "-q", debian),
        lab.peer("podman", "pull", "-q", tls, debian),
    )
    yield (
        "push, all there (podman)",
        None,
        lab.capas("push", "-q", debian),
        lab.peer("podman", "push", "-q", tls, debian),
    )
    lab.run(CAPAS, "pull", "-q", busybox)
    lab.run("podman", "pull", "-q", tls, busybox)
    yield "image ls (podman)", None, lab.capas("images"), lab.peer("podman", "images")
    yield (
        "image inspect (podman)",
        None,
        lab.capas("image", "inspect", debian),
        lab.peer("podman", "image", "inspect", debian),
    )
    yield "history (podman)", None, lab.capas("history", debian), lab.peer("podman", "history", debian)
    tar = str(lab.root / "saved.tar")
    yield (
        "save debian (podman)",
        None,
        lab.capas("save", "-o", tar, debian),
        lab.peer("sh", "-c", f"podman save {debian} > {tar}.p"),
    )
    context = make_context(lab.root / "context", busybox)
    build = ("build", "-t", "bench/copy", str(context))
    cold = (*build[:1], "--no-cache", *build[1:])
    yield (
        "COPY of 20,000 files, cold (buildah)",
        None,
        lab.capas(*cold),
        lab.peer("buildah", "bud", "--no-cache", *build[1:]),
    )
    yield "the same, unchanged (buildah)", None, lab.capas(*build), lab.peer("buildah", "bud", "--layers", *build[1:])
    yield "run true (runc alone)", None, lab.capas("run", "--rm", "--network", "none", busybox, "true"), bare(lab)


def make_context(path: Path, base: str) -> Path:
    """20,000 files of 100 bytes to 4 KB."""
    for number in range(20_000):
        file = path / f"d{number % 200}" / f"f{number}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(number.to_bytes(4, "big") * (25 + number % 1000))
    (path / "Dockerfile").write_text(f"FROM {base}\nCOPY . /data/\n")
    return path


def bare(lab: Lab) -> Work:
    """runc itself on a busybox tree: what no engine can be quicker than."""
    bundle = lab.root / "bundle"
    (bundle / "rootfs").mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "x", "-C", bundle / "rootfs"], input=busybox_tar(), check=True)
    lab.run("runc", "spec", "-b", str(bundle))
    spec = json.loads((bundle / "config.json").read_text())
    spec["process"] |= {"args": ["true"], "terminal": False, "rlimits": []}
    (bundle / "config.json").write_text(json.dumps(spec))
    return lab.peer("runc", "run", "-b", str(bundle), f"bench-{os.getpid()}")


def measure(before: Work | None, works: tuple[Work, Work], rounds: int) -> list[float]:
    """The median seconds of each work."""
    times: list[list[float]] = [[], []]
    for _ in range(rounds):
        for number, work in enumerate(works):
            if before:
                before()
            start = time.perf_counter()
            work()
            times[number].append(time.perf_counter() - start)
    return [statistics.median(found) for found in times]


@contextmanager
def laboratory(root: Path) -> Iterator[Lab]:
    """The lab, its hub filled, cleaned away after."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    try:
        with running_hub(root / "hub") as address:
            lab = Lab(root, address)
            debian = debian_tar(HERE.parent / ".make" / "demo" / "cache").read_bytes()
            for name, tar in (("busybox", busybox_tar()), ("debian", debian)):
                lab.run(CAPAS, "import", "-", f"{address}/library/{name}", stdin=tar)
                lab.run(CAPAS, "push", "-q", f"{address}/library/{name}")
            yield lab
    finally:
        shutil.rmtree(root, ignore_errors=True)


def main() -> None:
    """Print a table; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dir", type=Path, default=Path("/dev/shm/capas-bench"))
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    found = {}
    compileall.compile_dir(HERE.parent / "src", quiet=1)
    print("| case (peer) | Capas, s | peer, s | ratio |\n|---|---|---|---|")
    with laboratory(given.dir) as lab:
        for name, before, ours, theirs in cases(lab):
            if given.only and not any(word in name for word in given.only):
                continue
            mine, peer = measure(before, (ours, theirs), given.rounds)
            found[name] = {"capas_seconds": mine, "peer_seconds": peer, "ratio": mine / peer}
            print(f"| {name} | {mine:.3f} | {peer:.3f} | {mine / peer:.2f} |", flush=True)
    if given.out:
        given.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
