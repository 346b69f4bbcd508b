"""Capas beside its peers on the same work, in one run: medians of several rounds, and ratios. Figures, never tests.

    python benchmarks/run.py [case …] [--rounds N] [--dir DIR] [--out FILE] [--markdown]

Needs root. Peers and inputs are made once, in CAPAS_LAB (tools/lab.py); without --dir it works there too, on an ext4
with a journal that is a file; the output says which. A case may be named by its beginning: `pull`, `build-run`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]

import report  # noqa: E402
from case import Case  # noqa: E402
from cases import archives, building, containers, disk, looking, pulling, pushing, reading, serving  # noqa: E402
from engines import find_driver  # noqa: E402
from lab import DISK, LAB, mount_disk  # noqa: E402
from measure import Failed, Found, compare  # noqa: E402
from peers import Lab, make, unmount_beneath  # noqa: E402

ROOMS = (pulling, reading, pushing, looking, building, archives, containers)
IMAGES = ("busybox", "debian", "nginx", "python", "synthetic")
CASES = [case for room in ROOMS for case in room.CASES]


def chosen(names: Sequence[str]) -> set[str]:
    """The cases of these names, or whose names begin so; all when nothing is named."""
    known = [case.name for case in CASES] + list(disk.NAMES) + [serving.NAME]
    for name in names:
        if not any(case.startswith(name) for case in known):
            raise SystemExit(f"no such case: {name}. There are: {', '.join(known)}")
    # a whole name is that case alone: `ls` is not `ls-500`
    return {case for case in known if not names or case in names or case.startswith(tuple(set(names) - set(known)))}


@contextmanager
def workplace(given: Path | None) -> Iterator[tuple[Path, str]]:
    """An empty directory to work in, and what kind of filesystem it is on; nothing is left of it."""
    if not given:
        mount_disk()
    work = (given or DISK) / f"capas-bench-{os.getpid()}"
    work.mkdir(parents=True)
    try:
        yield work, filesystem(work) if given else "ext4 with a journal, in a file"
    finally:
        unmount_beneath(work)
        shutil.rmtree(work, ignore_errors=True)


def filesystem(path: Path) -> str:
    """The type of the filesystem that holds this path."""
    command = ["findmnt", "-n", "-o", "FSTYPE", "-T", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def measure_cases(lab: Lab, cases: Sequence[Case], rounds: int) -> Iterator[report.Row]:
    """A row for each; one that cannot be measured says why and the rest goes on."""
    for case in cases:
        started = time.monotonic()
        try:
            found = compare(case.prepare(lab), rounds=min(rounds, case.most_rounds), where=lab.work)
        except (Failed, OSError, subprocess.SubprocessError) as error:
            found = Found({}, {"the case": str(error)})
        row = report.Row(case.name, case.about, case.goal, found)
        sys.stderr.write(f"{case.name}: {time.monotonic() - started:.0f} s\n")
        yield row


def fill_registry(lab: Lab) -> None:
    """The images of the inputs, in the registry everybody pulls from."""
    for image in IMAGES:
        target = f"docker://{lab.address}/library/{image}:latest"
        make(lab.skopeo("copy", "-q", "--dest-tls-verify=false", f"oci:{lab.inputs / image}", target))


def write(path: Path, document: dict[str, Any]) -> None:
    """All figures, as JSON."""
    path.write_text(json.dumps(document, indent=1) + "\n")


def stop(number: int, _frame: object) -> None:
    """End as Ctrl-C does: mounts, registries and the disk are cleaned away."""
    raise SystemExit(128 + number)


def main() -> None:
    """Measure, print the table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="case")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dir", type=Path, help="work there, not on an ext4 of our own")
    parser.add_argument("--out", type=Path, help="write all figures as JSON to this file")
    parser.add_argument("--markdown", action="store_true", help="print tables to paste into README.md")
    given = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("the benchmarks need root: stores are mounted, containers are run")
    signal.signal(signal.SIGTERM, stop)
    wanted = chosen(given.cases)
    inputs = LAB / "inputs"
    # by another process: what measures memory must itself stay small
    subprocess.run([sys.executable, HERE / "inputs.py", inputs], check=True)
    with workplace(given.dir) as (work, where):
        lab = Lab(work, inputs)
        try:
            fill_registry(lab)
            setting = report.Setting(where, given.rounds, find_driver(lab), lab.missing, report.find_versions(lab))
            document = measure_all(lab, wanted, setting, given.out)
        finally:
            lab.close()
        if serving.NAME in wanted:
            document["hub"] = serving.measure_rates(work, given.rounds)
    if given.out:
        write(given.out, document)
    sys.stdout.write(report.markdown(document) if given.markdown else report.plain(document))


def measure_all(lab: Lab, wanted: set[str], setting: report.Setting, out: Path | None) -> dict[str, Any]:
    """Every case that is wanted. What was measured is written at once: it outlives what breaks off the rest."""
    rows: list[report.Row] = []
    sizes = disk.measure(lab, wanted)
    for row in measure_cases(lab, [case for case in CASES if case.name in wanted], setting.rounds):
        rows.append(row)
        if out:
            write(out, report.document(setting, rows, sizes))
    return report.document(setting, rows, sizes)


if __name__ == "__main__":
    main()
