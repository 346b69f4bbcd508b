"""docker's buildx on a builder of ours: `with running_builder(terminal) as buildx`."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from support.buildx import find_buildx
from support.terminal import PROGRAM, Terminal

_READY_SECONDS = 30.0
_LIMIT_SECONDS = 120
_NAME = "capas"


class Buildx(NamedTuple):
    """The client. Its builder is ours, reached by the driver `remote`."""

    program: str
    terminal: Terminal
    environ: dict[str, str]
    server: subprocess.Popen[bytes]

    def run(self, *words: str, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """`buildx words`, without colours; output as text."""
        done = subprocess.run(
            [self.program, *words], env=self.environ, capture_output=True, timeout=_LIMIT_SECONDS, input=stdin, cwd=cwd
        )
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def ok(self, *words: str, stdin: bytes = b"", cwd: Path | None = None) -> str:
        """What a command tells, in both streams, that must succeed."""
        done = self.run(*words, stdin=stdin, cwd=cwd)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def fails(self, *words: str, stdin: bytes = b"") -> str:
        """What a command says that must fail."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 1, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stderr

    def build(self, context: Path, *flags: str, **files: str) -> str:
        """Build a directory, with these files written into it; what is told."""
        write(context, **files)
        return self.ok("build", "--progress=plain", *flags, str(context))

    def fails_to_build(self, context: Path, *flags: str, **files: str) -> str:
        """As `build`, of a build that must fail."""
        write(context, **files)
        return self.fails("build", "--progress=plain", *flags, str(context))

    def log_in(self, registry: str, auth: str) -> None:
        """Remember a login, as `docker login` does."""
        config = {"auths": {registry: {"auth": auth}}}
        (Path(self.environ["DOCKER_CONFIG"]) / "config.json").write_text(json.dumps(config))


def write(folder: Path, **files: str) -> None:
    """Files by name; `_` stands for a dot in a name."""
    folder.mkdir(exist_ok=True, parents=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)


def start_long_step(buildx: Buildx, context: Path, word: str) -> subprocess.Popen[str]:
    """A build in the middle of a step that sleeps so long, as its client."""
    write(context, Dockerfile=f"FROM busybox\nRUN echo begun; sleep {word}\n")
    client = subprocess.Popen(
        [buildx.program, "build", "--progress=plain", str(context)],
        env=buildx.environ, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert client.stderr is not None
    for line in client.stderr:
        if "begun" in line and "echo" not in line:
            break
    return client


@contextmanager
def running_builder(terminal: Terminal) -> Iterator[Buildx]:
    """`capas buildkitd` over the terminal's store, and buildx with it as its builder."""
    program = find_buildx()
    env = {
        "PATH": os.environ["PATH"], "HOME": str(terminal.root / "home"), **terminal.environ,
        "CAPAS_ROOT": str(terminal.root / "store"), "CAPAS_RUN_ROOT": str(terminal.root / "run"),
        "CAPAS_CONFIG": str(terminal.root / "config.toml"),
    }  # fmt: skip
    address = f"unix://{terminal.root / 'buildkitd.sock'}"
    server = subprocess.Popen(
        [PROGRAM, "buildkitd", "--addr", address], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    assert server.stderr is not None
    deadline = time.monotonic() + _READY_SECONDS
    line = server.stderr.readline()
    assert b"answers" in line, line + server.stderr.read()
    assert time.monotonic() < deadline
    config = terminal.root / "docker"
    config.mkdir()
    environ = {
        "PATH": os.environ["PATH"], "HOME": str(terminal.root / "home"), "DOCKER_CONFIG": str(config),
        "BUILDX_NO_DEFAULT_LOAD": "1", "NO_COLOR": "1",
    }  # fmt: skip
    try:
        buildx = Buildx(program, terminal, environ, server)
        buildx.ok("create", "--name", _NAME, "--driver", "remote", "--use", address)
        yield buildx
    finally:
        server.terminate()
        server.wait(30)
        said = server.stderr.read().decode()
        server.stderr.close()
        assert "Traceback" not in said, said
