"""Capas as a person runs it: the `capas` program in a process of its own, on a store of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

PROGRAM = Path(sys.executable).with_name("capas")


class Terminal(NamedTuple):
    """A store, and the variables that every command of this test sees."""

    root: Path
    environ: Mapping[str, str] = {}

    def run(self, *words: str, stdin: bytes | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run `capas words`; output as text. Five minutes at most."""
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root / "home"),
            "CAPAS_ROOT": str(self.root / "store"),
            "CAPAS_RUN_ROOT": str(self.root / "run"),
            "CAPAS_CONFIG": str(self.root / "config.toml"),
            **self.environ,
            **environ,
        }
        given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
        done = subprocess.run([PROGRAM, *words], env=env, capture_output=True, timeout=300, check=False, **given)  # type: ignore[call-overload]
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def ok(self, *words: str, stdin: bytes | None = None, **environ: str) -> str:
        """What a command prints that must succeed."""
        done = self.run(*words, stdin=stdin, **environ)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def fails(self, *words: str, stdin: bytes | None = None, code: int = 1, **environ: str) -> str:
        """What a command says that must fail, kindly: its exit code, one clear error, no traceback."""
        done = self.run(*words, stdin=stdin, **environ)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        assert done.stderr.startswith("capas: ") or "\ncapas: " in done.stderr, done.stderr
        return done.stderr
