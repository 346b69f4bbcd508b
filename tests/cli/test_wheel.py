"""The wheel: it installs into an empty environment, and what it installs runs."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a fresh environment with the wheel and what it asks for, nothing else."""
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", TOP, source], check=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", place, source], check=True)
    venv.create(place / "venv", with_pip=True)
    tools = place / "venv" / "bin"
    wheel = next(place.glob("capas-*.whl"))
    subprocess.run([tools / "python", "-m", "pip", "--disable-pip-version-check", "-q", "install", wheel], check=True)
    return tools


def run(installed: Path, root: Path, *words: str | Path) -> str:
    env = {"PATH": os.environ["PATH"], "HOME": str(root), "CAPAS_ROOT": str(root / "store")}
    done = subprocess.run(words, env=env, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_installed_program_builds_and_lists(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    run(installed, tmp_path, installed / "capas", "build", "-t", "me/app", ".")
    assert "me/app" in run(installed, tmp_path, installed / "capas", "images")
    assert run(installed, tmp_path, installed / "capas", "--version").startswith("Capas version ")


def test_the_installed_library_is_typed_and_imports(installed: Path, tmp_path: Path) -> None:
    program = (
        "import capas, pathlib\n"
        "print((pathlib.Path(capas.__file__).parent / 'py.typed').exists(), capas.Reference.parse('x'))"
    )
    assert run(installed, tmp_path, installed / "python", "-c", program) == "True docker.io/library/x\n"


def test_the_installed_package_has_the_hubs_pages(installed: Path, tmp_path: Path) -> None:
    program = (
        "import capas, pathlib; print(*(p.name for p in pathlib.Path(capas.__file__).parent.glob('hub/pages/*/*')))"
    )
    names = run(installed, tmp_path, installed / "python", "-c", program).split()
    here = {path.name for path in (TOP / "src" / "capas" / "hub" / "pages").glob("*/*") if path.suffix != ".pyc"}
    assert {name for name in names if not name.endswith(".pyc")} == here
