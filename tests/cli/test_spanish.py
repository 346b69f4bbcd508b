"""A Spanish locale: what commands say is said in Spanish, and docker's English stays in what is docker's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.language import count_of, say
from support.hub import running_hub
from support.terminal import Terminal


@pytest.fixture(scope="module")
def capas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A terminal in Spanish, and a hub whose address `HUB` is, with the image `app`."""
    root = tmp_path_factory.mktemp("spanish")
    with running_hub(root / "hub") as address:
        terminal = Terminal(root, {"LANG": "es_ES.UTF-8", "HUB": address})
        (root / "context").mkdir()
        (root / "context" / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
        terminal.ok("build", "-q", "-t", f"{address}/app", f"{root}/context")
        yield terminal


def name_of(capas: Terminal) -> str:
    return f"{capas.environ['HUB']}/app"


def test_pushing_twice_says_that_the_layer_is_there(capas: Terminal) -> None:
    capas.ok("push", name_of(capas))
    done = capas.run("push", name_of(capas))
    assert "La capa ya existe" in done.stderr
    assert "resumen: sha256:" in done.stdout and "tamaño:" in done.stdout


def test_a_pull_says_where_it_comes_from_and_how_it_ended(capas: Terminal) -> None:
    capas.ok("push", name_of(capas))
    done = capas.run("pull", name_of(capas))
    assert "latest: Se trae de app" in done.stderr
    assert "Estado: la imagen de" in done.stdout and "está al día" in done.stdout


def test_a_plan_is_spanish_to_its_headings(capas: Terminal) -> None:
    first, *rest = capas.ok("push", "--plan", name_of(capas)).splitlines()
    assert first.split() == ["PARTE", "RESUMEN", "TAMAÑO", "POR", "MOVER", "ESTADO"]
    assert [line.split()[0] for line in rest[:3]] == ["configuración", "capa", "manifiesto"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FROM scratch\nRUNN foo\n", ("instrucción desconocida: RUNN", "¿querías decir RUN?")),
        ("FROM scratch\nENV\n", ("ENV necesita al menos un argumento",)),
        ("FROM scratch\nCOPY one\n", ("COPY necesita un origen y un destino", "escribe COPY one <destino>")),
        ("FROM scratch\nCOPY --frm=x a b\n", ("COPY no conoce la opción --frm", "¿querías decir --from?")),
        ("FROM scratch\nRUN --mount=type=foo true\n", ("tipo de montaje desconocido: 'foo'", "es uno de bind")),
        ("FROM scratch\nRUN <<END\ntrue\n", ("el heredoc END no termina nunca", "escribe END a solas")),
        ("FROM scratch\nCOPY --from=0 a b\n", ("la etapa 0 no puede copiar de sí misma",)),
        ("FROM scratch\nHEALTHCHECK --interval=x CMD true\n", ("--interval: no es una duración: 'x'",)),
    ],
)
def test_what_is_wrong_in_a_dockerfile_is_told_in_spanish(
    capas: Terminal, tmp_path: Path, text: str, said: tuple[str, ...]
) -> None:
    (tmp_path / "Dockerfile").write_text(text)
    shown = capas.fails("build", str(tmp_path))
    assert [words for words in said if words not in shown] == []


def test_words_of_a_dockerfile_in_braces_stay_as_they_are(capas: Terminal, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nENV {name}\nRUN\n")
    assert "escribe ENV {name}=valor" in capas.fails("build", str(tmp_path))


def test_the_steps_of_a_build_keep_the_words_of_buildkit(capas: Terminal) -> None:
    context = f"{capas.root}/context"
    assert "#1 DONE " in capas.run("build", "--no-cache", context).stderr
    done = capas.run("build", context)
    assert "#1 CACHED" in done.stderr
    assert "(1 de 1 paso, de la caché)" in done.stdout


def test_one_is_said_as_one(capas: Terminal) -> None:
    told = capas.ok("image", "diff", name_of(capas), name_of(capas))
    assert "en 1 fichero, 1 capa\n" in told


def test_docker_keeps_its_headings(capas: Terminal) -> None:
    assert capas.ok("images").startswith("REPOSITORY")


@pytest.mark.parametrize(("count", "said"), [(0, "0 capas"), (1, "1 capa"), (2, "2 capas")])
def test_a_count_chooses_its_form(count: int, said: str) -> None:
    layers = count_of("{count} layer", "{count} layers", count)
    assert say("{layers}", {"layers": layers}, "es") == said
