"""The base images of `library/`, made from Debian's own packages: where no public hub can be reached, they start it."""

from __future__ import annotations

import fcntl
import io
import subprocess
import sys
import tarfile
from pathlib import Path

BUSYBOX = Path("/bin/busybox")
USERS = (("root", 0, "/root", "/bin/sh"), ("daemon", 1, "/usr/sbin", "/bin/false"), ("bin", 2, "/bin", "/bin/false"),
         ("sys", 3, "/dev", "/bin/false"), ("mail", 8, "/var/spool/mail", "/bin/false"),
         ("www-data", 33, "/var/www", "/bin/false"), ("nobody", 65534, "/home", "/bin/false"))  # fmt: skip
FOLDERS = ("bin", "dev", "etc", "home", "root", "sbin", "tmp", "usr", "usr/bin", "usr/sbin", "var", "var/spool",
           "var/spool/mail", "var/www")  # fmt: skip
# apt in a container keeps nothing that only a next time would use
LEAN = (
    'rm -f "$1"/var/cache/apt/*.bin; printf "%s\\n" '
    "'Dir::Cache::pkgcache \"\";' 'Dir::Cache::srcpkgcache \"\";' 'APT::Keep-Downloaded-Packages \"false\";' "
    '>"$1/etc/apt/apt.conf.d/90container"'
)


def busybox_tar() -> bytes:
    """A 2 MB tree: the static busybox, a link for each of its applets, users and groups. Always the same bytes."""
    applets = subprocess.run([BUSYBOX, "--list-full"], check=True, capture_output=True, text=True).stdout.split()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder in FOLDERS:
            mode = {"tmp": 0o1777, "root": 0o700}.get(folder, 0o755)
            tar.addfile(_member(folder, tarfile.DIRTYPE, mode))
        _add(tar, "bin/busybox", BUSYBOX.read_bytes(), 0o755)
        for applet in sorted({*applets, "bin/sh"} - {"bin/busybox"}):
            if Path(applet).parent.as_posix() in FOLDERS:
                link = _member(applet, tarfile.LNKTYPE, 0o755)
                link.linkname = "bin/busybox"
                tar.addfile(link)
        _add(tar, "etc/passwd", "".join(f"{n}:x:{i}:{i}:{n}:{h}:{s}\n" for n, i, h, s in USERS).encode(), 0o644)
        _add(tar, "etc/group", "".join(f"{n}:x:{i}:\n" for n, i, _, _ in USERS).encode(), 0o644)
    return out.getvalue()


def debian_tar(cache: Path, suite: str = "bookworm") -> Path:
    """Debian's minimal system as a tar, made once by mmdebstrap and kept in `cache`."""
    path = cache / f"debian-{suite}.tar"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests that run side by side want it at once
        if not path.exists():
            partial = path.with_suffix(".partial.tar")
            options = ["--quiet", "--variant=minbase", f"--customize-hook={LEAN}"]
            subprocess.run(["mmdebstrap", *options, suite, partial], check=True, stdin=subprocess.DEVNULL)
            partial.replace(path)
    return path


def _member(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.mtime = kind, mode, 499162500
    return member


def _add(tar: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    member = _member(name, tarfile.REGTYPE, mode)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


if __name__ == "__main__":
    sys.stdout.buffer.write(busybox_tar())
