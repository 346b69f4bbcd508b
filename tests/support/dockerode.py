"""dockerode, the client of JavaScript, on a server of ours: `run_script(docker, "return await docker.version()")`."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.docker import Docker

_TOP = Path(__file__).parents[2]
_MODULES = _TOP / ".make/dockerode/node_modules"
_USE = _TOP / "tests/dockerapi/dockerode/use.js"
_LIMIT_SECONDS = 60


def run_script(docker: Docker, script: str) -> Any:
    """What the body of an async function returns; what it throws is a failure. Skips the test without dockerode."""
    if shutil.which("node") is None or not (_MODULES / "dockerode").is_dir():
        pytest.skip("no dockerode: tools/setup test installs it where there is npm")
    whole = (
        f"const {{ docker, Sink, textOf, demux, follow }} = require({json.dumps(str(_USE))});\n"
        f"(async () => {{ {script} }})().then(\n"
        "  (value) => { console.log(JSON.stringify(value ?? null)); process.exit(0); },\n"
        "  (error) => { console.error(error); process.exit(1); });\n"
    )
    done = subprocess.run(
        ["node", "-e", whole], env={**docker.environ, "DOCKER_SOCKET": str(docker.socket), "NODE_PATH": str(_MODULES)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_LIMIT_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
