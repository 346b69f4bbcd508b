#!/usr/bin/env python3
"""The lab: peers newer than this machine's, from a root of Debian's next release, and docker daemons of our own.

    tools/lab.py make                     the disk and the root, once (a minute and 260 MB of packages)
    tools/lab.py run COMMAND…             a command in the root; /tmp, /var/tmp, /home and the like are this machine's
    tools/lab.py up overlay2|containerd   a docker daemon with that image store, until `down`
    tools/lab.py down overlay2|containerd
    tools/lab.py docker overlay2|containerd WORDS…   docker's client on that daemon

Everything lies in CAPAS_LAB (/var/tmp/capas-lab), on an ext4 with a journal that is a file there. Needs root. The
mounts of the root are in a mount namespace of its own: deleting the lab never reaches beyond it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

LAB = Path(os.environ.get("CAPAS_LAB", "/var/tmp/capas-lab"))
DISK = LAB / "disk"
ROOT = DISK / "root"
RUN = Path("/run/capas-lab")
# what the peers see of this machine: where people's files lie, the checkout and the lab
PLACES = ("/home", "/mnt", "/srv", "/tmp", "/var/tmp", Path(*Path(__file__).resolve().parts[:2]), LAB)
SUITE = "trixie"
PACKAGES = (
    "docker.io,docker-cli,docker-buildx,podman,buildah,skopeo,umoci,crun,runc,erofs-utils,"
    "iptables,ca-certificates,xz-utils"  # docker unpacks xz with its program
)
DISK_BYTES = 60 << 30
STORES = {"overlay2": {"storage-driver": "overlay2"}, "containerd": {"features": {"containerd-snapshotter": True}}}
START_SECONDS = 60
# podman and buildah raise limits beyond the hard ones where the capability for it is missing, unless told
CONTAINERS = """[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "host"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""
# pivot_root wants a root that is a mount point; crun does not want to see two cgroup trees
MOUNTS = """set -e
mount --bind "$1" "$1" && cd "$1"
run=$2; shift 2
for place in "$@"; do
  [ ! -d "$place" ] || { mkdir -p ".$place" && mount --rbind "$place" ".$place"; }
done
mount -t proc proc proc
mount --rbind /dev dev
mount --rbind /sys sys
if mountpoint -q sys/fs/cgroup/unified; then umount sys/fs/cgroup/unified; fi
mount -t tmpfs tmpfs run
mkdir -p run/capas-lab && mount --bind "$run" run/capas-lab
touch etc/resolv.conf && mount --bind /etc/resolv.conf etc/resolv.conf
mount --bind /etc/ssl/certs etc/ssl/certs
"""


class Failed(Exception):
    """Something that should have worked did not; the text says why."""


def make() -> None:
    """The disk, mounted, with the root on it. Quick when it is there."""
    mount_disk()
    if (ROOT / "usr/sbin/dockerd").exists():
        return
    partial = DISK / "root.partial"
    subprocess.run(["rm", "-rf", "--one-file-system", partial], check=True)
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--aptopt=APT::Install-Recommends false"]
    subprocess.run([*command, f"--include={PACKAGES}", SUITE, partial], check=True, stdin=subprocess.DEVNULL)
    (partial / "etc/containers/containers.conf").write_text(CONTAINERS)
    partial.rename(ROOT)


def mount_disk() -> None:
    """An ext4 with a journal, in a file: a root disk without one says little about other machines."""
    if os.path.ismount(DISK):
        return
    DISK.mkdir(parents=True, exist_ok=True)
    image = LAB / "disk.img"
    if not image.exists():
        partial = image.with_suffix(".partial")
        with partial.open("wb") as file:
            file.truncate(DISK_BYTES)
        subprocess.run(["mkfs.ext4", "-q", "-F", partial], check=True)
        partial.rename(image)
    subprocess.run(["mount", "-o", "loop,noatime", image, DISK], check=True)


def find_missing() -> str:
    """Why commands of the root cannot run here; empty when they can."""
    if os.geteuid() != 0:
        return "the lab's peers need root"
    if not (ROOT / "usr/sbin/dockerd").exists():
        return f"no root with docker at {ROOT}: tools/lab.py make"
    return ""


class Root:
    """The root of the peers, in a mount namespace by this name that sees the mounts of the moment it was made."""

    def __init__(self, name: str = "lab") -> None:
        self.name = name
        self.namespace = RUN / "namespaces" / name

    def open(self) -> None:
        """Make the namespace, if it is not there."""
        if missing := find_missing():
            raise Failed(missing)
        if os.path.ismount(self.namespace):
            return
        folder = self.namespace.parent
        folder.mkdir(parents=True, exist_ok=True)
        # a namespace is kept by a mount, which must not spread; `ismount` does not see a directory mounted on itself
        if subprocess.run(["mountpoint", "-q", folder], check=False).returncode:
            subprocess.run(["mount", "--bind", folder, folder], check=True)
            subprocess.run(["mount", "--make-private", folder], check=True)
        self.namespace.touch()
        enter = ["unshare", f"--mount={self.namespace}", "--propagation=private", "sh", "-c", MOUNTS]
        done = subprocess.run([*enter, "sh", ROOT, RUN, *PLACES], capture_output=True, text=True, check=False)
        if done.returncode:
            self.close()
            raise Failed(f"the root's mounts: {done.stderr.strip()}")

    def close(self) -> None:
        """Forget the namespace; it goes with the last process in it."""
        subprocess.run(["umount", "--lazy", self.namespace], check=False, capture_output=True)
        self.namespace.unlink(missing_ok=True)

    def argv(self, *words: str, where: str = "/") -> tuple[str, ...]:
        """This command, run in the root."""
        return ("nsenter", f"--mount={self.namespace}", "chroot", str(ROOT), "env", "-C", where, *words)


class Docker:
    """A docker daemon of our own, with its images in `data` and the image store `overlay2` or `containerd`."""

    def __init__(self, root: Root, name: str, data: Path, store: str, flags: tuple[str, ...] = ()) -> None:
        self.root, self.name, self.data, self.store, self.flags = root, name, data, store, flags
        self.place = RUN / name
        self.socket = RUN / f"{name}.sock"
        self.pidfile = RUN / f"{name}.pid"
        self.config = RUN / f"{name}.json"
        self.process: subprocess.Popen[bytes] | None = None  # of a daemon that we started, not found

    @property
    def log(self) -> Path:
        """What the daemon says."""
        return self.data.with_suffix(".log")

    def argv(self, *words: str, where: str = "/") -> tuple[str, ...]:
        """A command of docker's client on this daemon."""
        return self.root.argv("docker", "-H", f"unix://{self.socket}", *words, where=where)

    def start(self) -> None:
        """Start it and wait until it answers; nothing if it runs."""
        self.root.open()
        if self.pid():
            return
        self.data.mkdir(parents=True, exist_ok=True)
        self.config.write_text(json.dumps(STORES[self.store]))
        words = [
            "dockerd", "--bridge=none", "--iptables=false", "--ip6tables=false", f"--data-root={self.data}",
            f"--exec-root={self.place}", f"--pidfile={self.pidfile}", f"--host=unix://{self.socket}",
            "--cgroup-parent=/capas-lab", "--exec-opt=native.cgroupdriver=cgroupfs", f"--config-file={self.config}",
            *self.flags,
        ]  # fmt: skip
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.root.argv(*words), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        limit = time.monotonic() + START_SECONDS
        while time.monotonic() < limit:
            if self.pid() and not subprocess.run(self.argv("version"), capture_output=True, check=False).returncode:
                return
            time.sleep(0.1)
        raise Failed(f"docker ({self.store}) does not answer; {self.log} ends:\n{self.log.read_text()[-1500:]}")

    def pid(self) -> int:
        """The daemon's process; 0 if it does not run."""
        try:
            pid = int(self.pidfile.read_text())
            return pid if b"dockerd" in Path(f"/proc/{pid}/cmdline").read_bytes() else 0
        except (OSError, ValueError):
            return 0

    def stop(self) -> None:
        """Stop it and wait for its end."""
        pid = self.pid()
        if not pid:
            return
        os.kill(pid, signal.SIGTERM)
        while self.pid() == pid:
            time.sleep(0.05)
        if self.process:
            self.process.wait()
        shutil.rmtree(self.place, ignore_errors=True)
        self.config.unlink(missing_ok=True)


def main(words: list[str]) -> int:
    """One of the verbs above."""
    verb, rest = (words[0], words[1:]) if words else ("", [])
    if verb == "make" and not rest:
        make()
        return 0
    root = Root()
    if verb == "run" and rest:
        root.open()
        return subprocess.run(root.argv(*rest, where=os.getcwd()), check=False).returncode
    if verb in ("up", "down", "docker") and rest[:1] and rest[0] in STORES:
        daemon = Docker(root, f"lab-{rest[0]}", DISK / f"docker-{rest[0]}", rest[0])
        if verb == "docker":
            return subprocess.run(daemon.argv(*rest[1:], where=os.getcwd()), check=False).returncode
        daemon.start() if verb == "up" else daemon.stop()
        return 0
    sys.stderr.write(__doc__ or "")
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Failed, subprocess.CalledProcessError) as error:
        sys.exit(f"lab: {error}")
