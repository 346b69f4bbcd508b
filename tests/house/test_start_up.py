"""Start-up: what a verb loads before it works."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HEAVY = {
    "asyncio",
    "ssl",
    "urllib3",
    "rich",
    "msgspec",
    "http.client",
    "starlette",
    "zstandard",
    "isal",
    "tarfile",
    "hashlib_",
}


def loaded_by(code: str, root: Path) -> set[str]:
    env = {**os.environ, "CAPAS_ROOT": str(root), "CAPAS_RUN_ROOT": str(root / "run")}
    tail = "import sys; sys.stderr.write('\\n'.join(sys.modules))"
    program = f"try:\n    {code}\nexcept SystemExit:\n    pass\n{tail}"
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_image_ls_loads_nothing_heavy(tmp_path: Path) -> None:
    modules = loaded_by(
        "import sys; sys.argv = ['capas', 'image', 'ls']; from capas.cli.main import main; main()", tmp_path
    )
    assert "capas.cli.main" in modules
    assert not HEAVY & modules


def test_import_capas_loads_nothing_but_the_face(tmp_path: Path) -> None:
    modules = loaded_by("import capas", tmp_path)
    assert not HEAVY & modules
    assert not {m for m in modules if m.startswith("capas.")}


def test_ps_loads_nothing_that_starts_or_connects_a_container(tmp_path: Path) -> None:
    modules = loaded_by("import sys; sys.argv = ['capas', 'ps']; from capas.cli.main import main; main()", tmp_path)
    assert "capas.run.containers" in modules
    assert not (HEAVY | {"socket", "subprocess", "hashlib", "capas.run.keeper", "capas.run.bridged"}) & modules


def test_inspect_of_what_no_container_is_called_loads_nothing_of_containers(tmp_path: Path) -> None:
    modules = loaded_by(
        "import sys; sys.argv = ['capas', 'inspect', 'nobody']; from capas.cli.main import main; main()", tmp_path
    )
    assert "capas.run.register" in modules
    assert not {name for name in modules if name.startswith("capas.run.")} - {"capas.run.register", "capas.run.times"}
