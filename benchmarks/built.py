"""Inputs that Capas builds itself, from debian: nginx, and Python with numpy, pandas and flask."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

CAPAS = str(Path(sys.executable).with_name("capas"))
IMAGES = Path(__file__).resolve().parent / "images"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
LOADED = "Loaded image ID: "


def make_built(name: str, path: Path) -> None:
    """Build `images/<name>.Dockerfile` on the layout of debian beside `path`, and write a layout of it there."""
    work = Path(tempfile.mkdtemp(dir=path.parent))
    try:
        base, made = work / "debian.tar", work / "made.tar"
        with tarfile.open(base, "w") as tar:
            tar.add(path.parent / "debian", arcname=".")
        loaded = capas(work, "load", "-i", str(base))
        image = next(line for line in loaded.splitlines() if line.startswith(LOADED)).removeprefix(LOADED)
        capas(work, "tag", image, "debian")
        dockerfile = str(IMAGES / f"{name}.Dockerfile")
        capas(work, "build", "-q", "--network", "host", "-f", dockerfile, "-t", "built", str(IMAGES))
        capas(work, "save", "--format", "oci", "-o", str(made), "built")
        with tarfile.open(made) as tar:
            tar.extractall(path, filter="data")
    finally:
        shutil.rmtree(work)


def capas(work: Path, *words: str) -> str:
    """A command of Capas on a store in the working directory; what it printed."""
    env = {**os.environ, "CAPAS_ROOT": str(work / "root"), "CAPAS_RUN_ROOT": str(work / "run"), "LC_ALL": "C.UTF-8"}
    if CERTIFICATES.exists():  # those that this machine trusts: pip asks through whatever stands between
        env.setdefault("CAPAS_BUILD_CA_BUNDLE", str(CERTIFICATES))
    done = subprocess.run([CAPAS, *words], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"capas {words[0]}: {done.stderr[-2000:]}")
    return done.stdout
