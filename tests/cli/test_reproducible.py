"""The same Dockerfile, context and base give the same manifest, whoever builds it, where and under which conditions."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.building import write_files
from support.terminal import Terminal

pytestmark = [pytest.mark.root, pytest.mark.peer("crun"), pytest.mark.peer("busybox")]

_SOURCE = Path(__file__).parents[2] / "src"
DOCKERFILE = """\
FROM busybox AS made
WORKDIR /work/deep
RUN umask && mkdir -p a/b && echo one > a/b/f && ln -s f a/b/link && ln a/b/f a/hard && mkfifo a/pipe
RUN cp -a a c && rm a/b/f && chmod 4711 c/b/f && rm -r /etc/group && touch /etc/passwd
RUN <<EOF
  for name in z y x w v; do echo $name > /many-$name; done
  env | sort > /env
  date -r /etc/passwd +%s > /when
EOF
FROM busybox
LABEL b=2 a=1
ENV B=2 A=1
VOLUME /v2 /v1
EXPOSE 90 80
COPY --from=made /work /work
COPY --from=made /many-* /env /when /
COPY --chown=nobody files /files
COPY <<EOF /heredoc
  text
EOF
ADD archive.tar /unpacked/
USER nobody
WORKDIR /home/here
RUN id > /tmp/id; pwd >> /tmp/id; hostname >> /tmp/id; cat /etc/hosts >> /tmp/id
"""


@pytest.fixture(scope="module")
def materials(busybox_tar: bytes) -> Iterator[Path]:
    """A folder that every user may read: the context, and the base image as an archive."""
    root = Path(tempfile.mkdtemp(prefix="capas-same-", dir="/dev/shm"))
    root.chmod(0o755)
    context = write_files(root / "context", {
        "Dockerfile": DOCKERFILE, "files/z": "z", "files/a": "a", "files/sub/m": "m" * 70_000, "files/ñ": "ñ",
    })  # fmt: skip
    for folder, _, names in os.walk(context):
        os.chmod(folder, 0o755)
        for name in names:
            os.chmod(os.path.join(folder, name), 0o644)
    subprocess.run(["tar", "-C", context, "-cf", context / "archive.tar", "files"], check=True)
    first = Terminal(root / "first")
    first.ok("import", "-c", "CMD sh", "-", "busybox", stdin=busybox_tar)
    first.ok("save", "-o", str(root / "busybox.tar"), "busybox")
    (root / "busybox.tar").chmod(0o644)
    yield root
    shutil.rmtree(root, ignore_errors=True)


def build(materials: Path, name: str, *, umask: int = 0o022, user: str | None = None, **environ: str) -> str:
    """The manifest's digest of a build in a store of its own."""
    place = Path(tempfile.mkdtemp(prefix=f"capas-{name}-", dir=environ.pop("AT", "/dev/shm")))
    context = place / "context of this one"
    shutil.copytree(materials / "context", context)
    keywords: dict[str, object] = {"umask": umask}
    python = sys.executable
    if user is not None:
        entry = pwd.getpwnam(user)
        subprocess.run(["chown", "-R", user, place], check=True)
        keywords |= {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        python = interpreter(entry.pw_uid)
    env = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(place),
        "PYTHONPATH": f"{_SOURCE}:{sysconfig.get_paths()['purelib']}",
        "CAPAS_ROOT": str(place / "root"), "CAPAS_RUN_ROOT": str(place / "run"), **environ,
    }  # fmt: skip

    def capas(*words: str) -> str:
        done = subprocess.run(
            [python, "-m", "capas", *words], env=env, cwd=place, capture_output=True, timeout=120, **keywords  # type: ignore[call-overload]
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return str(done.stdout.decode())

    capas("load", "-i", str(materials / "busybox.tar"))
    capas("build", "-q", "-t", "same", str(context))
    digest = capas("image", "inspect", "--format", "{{.Descriptor.digest}}", "same").strip()
    shutil.rmtree(place, ignore_errors=True)
    return digest


def interpreter(uid: int) -> str:
    """A Python that the user may run."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for program in (sys.executable, f"/usr/bin/python{version}", f"/usr/local/bin/python{version}"):
        try:
            if subprocess.run([program, "-c", "pass"], user=uid, env={}, capture_output=True).returncode == 0:
                return program
        except OSError:
            continue
    pytest.skip("no interpreter of this version that another user may run")


@pytest.fixture(scope="module")
def usual(materials: Path) -> str:
    return build(materials, "usual", LANG="C", TZ="UTC", PYTHONHASHSEED="0")


@pytest.mark.parametrize(
    "condition",
    [
        {"umask": 0o077},
        {"TZ": "XYZ-14"},
        {"LANG": "es_ES.UTF-8", "LC_ALL": "es_ES.UTF-8"},
        {"PYTHONHASHSEED": "4711"},
        {"CAPAS_SNAPSHOTTER": "copy"},
        {"CAPAS_RUNTIME": "runc"},
        {"AT": "/var/tmp"},
        {"SHELL": "/bin/false", "EDITOR": "x", "USER": "somebody", "LOGNAME": "somebody", "TMPDIR": "/dev/shm"},
    ],
    ids=lambda condition: next(iter(condition)),
)  # fmt: skip
def test_another_condition_gives_the_same_digest(materials: Path, usual: str, condition: dict[str, object]) -> None:
    assert build(materials, "other", **condition) == usual  # type: ignore[arg-type]


@pytest.mark.peer("useradd")
@pytest.mark.peer("newuidmap")
@pytest.mark.xdist_group("ordinary-user")
def test_an_ordinary_user_gets_the_same_digest(materials: Path, usual: str) -> None:
    name = f"capas-same-{os.getpid()}"
    subprocess.run(["useradd", "--no-create-home", name], check=True, capture_output=True)
    try:
        assert build(materials, "ordinary", user=name, umask=0o077) == usual
    finally:
        subprocess.run(["userdel", name], check=False, capture_output=True)


def test_a_time_can_be_given_as_a_build_argument(materials: Path) -> None:
    capas = Terminal(materials / "first")
    lines = ["FROM busybox", "RUN echo $SOURCE_DATE_EPOCH > /epoch"]
    context = write_files(materials / "epoch", {"Dockerfile": "\n".join(lines)})
    words = ["build", "--build-arg", "SOURCE_DATE_EPOCH=1600000000", "-t", "dated", str(context)]
    done = capas.run(*words)
    assert "not consumed" not in done.stderr
    assert capas.ok("image", "inspect", "--format", "{{.Created}}", "dated") == "2020-09-13T12:26:40Z\n"
    assert capas.ok("run", "--rm", "dated", "cat", "/epoch") == "1600000000\n"


def test_a_build_that_is_not_reproducible_is_told_by_its_first_file(materials: Path) -> None:
    capas = Terminal(materials / "first")
    lines = ["FROM busybox", "RUN echo same > /a && cat /proc/sys/kernel/random/uuid > /b && mkdir /c"]
    context = write_files(materials / "chance", {"Dockerfile": "\n".join(lines)})
    done = capas.run("build", "--check-reproducible", "--progress", "quiet", str(context))
    assert done.returncode == 1
    assert "Not reproducible: RUN /bin/sh -c echo same > /a" in done.stderr
    assert "/b: content is sha256:" in done.stderr


def test_a_build_that_is_reproducible_is_said_to_be(materials: Path) -> None:
    capas = Terminal(materials / "first")
    lines = ["FROM busybox", "WORKDIR /w", "RUN umask > u && mkdir d && date > /dev/null", "COPY Dockerfile /"]
    context = write_files(materials / "sure", {"Dockerfile": "\n".join(lines)})
    done = capas.run("build", "--check-reproducible", "--progress", "quiet", "-t", "sure", str(context))
    assert (done.returncode, done.stderr) == (
        0,
        "Reproducible: a second build, in other conditions, gave the same bytes\n",
    )
