"""`import capas`: the face of the library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import capas
from capas.settings import load_settings
from support.hub import running_hub


@pytest.fixture
def engine(tmp_path: Path) -> capas.Engine:
    environ = {"CAPAS_ROOT": str(tmp_path / "store"), "CAPAS_CONFIG": "/none", "HOME": str(tmp_path)}
    return capas.Engine(load_settings(environ))


def build(engine: capas.Engine, folder: Path, text: str, *tags: str) -> capas.Image:
    from capas.build.request import BuildRequest

    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(text)
    return engine.images.build(BuildRequest(context=str(folder)), tags=tags).image


def test_every_name_of_the_face_is_there() -> None:
    assert all(getattr(capas, name) for name in capas.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nope"):
        _ = capas.nope  # type: ignore[attr-defined]


def test_a_built_image_tells_its_history_layers_and_config(engine: capas.Engine, tmp_path: Path) -> None:
    image = build(engine, tmp_path / "c", "FROM scratch\nENV A=1\nCOPY Dockerfile /x\n", "me/app")
    assert image.config.execution.env is not None
    assert "A=1" in image.config.execution.env
    assert len(image.layers) == 1
    assert [step.empty_layer for step in image.history] == [True, False]
    assert engine.images.get("me/app").id == image.id


def test_the_same_input_gives_the_same_layers_in_another_store(engine: capas.Engine, tmp_path: Path) -> None:
    text = "FROM scratch\nCOPY Dockerfile /a/b/\n"
    first = build(engine, tmp_path / "c", text)
    settings = engine.settings._replace(root=tmp_path / "second")
    second = build(capas.Engine(settings), tmp_path / "d", text)
    assert [layer.descriptor.digest for layer in first.layers] == [layer.descriptor.digest for layer in second.layers]


def test_an_image_goes_to_a_hub_and_comes_back(engine: capas.Engine, tmp_path: Path) -> None:
    with running_hub(tmp_path / "hub") as address:
        image = build(engine, tmp_path / "c", "FROM scratch\nCOPY Dockerfile /x\n", f"{address}/me/app:1")
        digest = engine.images.push(f"{address}/me/app:1")
        other = capas.Engine(engine.settings._replace(root=tmp_path / "second"))
        pulled = other.images.pull(f"{address}/me/app@{digest}", unpack=False)
        assert pulled.image.id == image.id


def test_verbs_stay_functions_where_the_rooms_of_their_names_were_imported() -> None:
    code = "import capas.build.request, capas.run.spec; print(capas.build.__module__, capas.run.__module__)"
    assert _python(code) == "capas.engine.porcelain capas.engine.porcelain\n"


def test_two_images_are_built_one_after_the_other_in_one_process(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    code = "import capas\nfor tag in ('one', 'two'): print(capas.build('.', tags=[tag]).id)"
    first, second = _python(code, tmp_path).splitlines()
    assert first == second


def _python(code: str, folder: Path | None = None) -> str:
    environ = {"CAPAS_ROOT": f"{folder}/store", "CAPAS_RUN_ROOT": f"{folder}/run", "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environ, text=True, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
