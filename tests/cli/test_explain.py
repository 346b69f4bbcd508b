"""`capas explain`: a Dockerfile line by line, as a person reads it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from capas.oci.config import Execution
from support.building import write_files
from support.changesets import file
from support.looking import make_engine, put_image
from support.pty import Person
from support.terminal import PROGRAM, Terminal

DOCKERFILE = "FROM debian:12\nRUN apt-get update && apt-get install -y curl\nEXPOSE 8080\n"


@pytest.fixture
def alone(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text(DOCKERFILE)
    return tmp_path / "app"


def test_a_directory_is_explained_by_the_dockerfile_that_a_build_would_read(alone: Terminal, context: Path) -> None:
    told = alone.ok("explain", str(context))
    assert "1 │ FROM debian:12\n    Starts from the image `debian:12`" in told
    assert "    · installs the package `curl` with apt-get" in told
    assert "beware: EXPOSE opens nothing to the outside: `capas run -p 8080:8080`" in told


def test_a_risk_is_shown_with_a_caret_and_a_better_way(alone: Terminal, context: Path) -> None:
    told = alone.ok("explain", str(context / "Dockerfile"))
    assert "risk: apt-get installs recommended packages too (DL3015)\n      2 | RUN apt-get update" in told
    assert "better: add --no-install-recommends" in told


GOLDEN = """\
-
  · La imagen se apoya en `scratch` y añade 1 capa
  · Un contenedor suyo ejecuta `/app`
  · como el usuario `10001`

1 │ FROM scratch
    Parte de la nada: `scratch` es la imagen vacía, sin ficheros, shell ni
    paquetes
    por qué: Para que en la imagen no haya más que lo que el programa necesita:
      pocos bytes, y poco que atacar
    ojo: RUN, y CMD o ENTRYPOINT en forma shell, necesitan un shell, y `scratch`
      no lo tiene

2 │ COPY app /app
    Copia `app` del contexto de construcción en `/app`
    · Sin barra al final, `/app` es como se llama ahí un fichero solo; de un
      directorio, el contenido va dentro
    por qué: Para que `app` esté en todo contenedor, sea cual sea la máquina en
      que corra

3 │ USER 10001
    Desde aquí trabaja `10001`: RUN, CMD y ENTRYPOINT tienen los permisos de
    este usuario y ninguno más
    · Un número no necesita estar en /etc/passwd; pero entonces el usuario
      `10001` no tiene ni nombre ni carpeta propia
    por qué: Para que quien entre por el programa sea solo `10001` en el
      contenedor, y no root

4 │ CMD ["/app"]
    Un contenedor de esta imagen ejecuta `/app`, salvo que `capas run IMAGE
    COMMAND…` diga otra cosa
    · Forma exec: `/app` es el propio proceso 1, y recibe la señal de `capas
      stop`
    por qué: Para que `capas run IMAGE` sin más haga aquello para lo que es la
      imagen
"""


def test_a_page_is_as_it_is(alone: Terminal) -> None:
    text = b'FROM scratch\nCOPY app /app\nUSER 10001\nCMD ["/app"]\n'
    assert alone.ok("explain", "-", "--lang", "es", stdin=text) == GOLDEN


def test_standard_input_is_explained(alone: Terminal) -> None:
    assert "Starts from nothing" in alone.ok("explain", "-", stdin=b"FROM scratch\n")


def test_it_speaks_the_language_of_the_locale_or_the_one_asked_for(alone: Terminal, context: Path) -> None:
    assert "Parte de la imagen `debian:12`" in alone.ok("explain", str(context), LANG="es_ES.UTF-8")
    assert "por qué: " in alone.ok("explain", str(context), "--lang", "es")
    assert "Starts from" in alone.ok("explain", str(context), "--lang", "en", LANG="es_ES.UTF-8")


def test_json_has_a_part_for_every_line(alone: Terminal, context: Path) -> None:
    told = json.loads(alone.ok("explain", str(context), "--format", "json"))
    run = told["lines"][1]
    assert (run["line"], run["instruction"], run["cost"]) == (2, "RUN", None)
    assert any("`curl`" in sentence for sentence in run["does"])
    assert "DL3009" in [risk["rule"] for risk in run["risks"]]
    assert run["why"].startswith("All of it in one RUN")
    assert run["better"]


def test_what_is_piped_has_no_colours_and_fits_80_columns(alone: Terminal, context: Path) -> None:
    told = alone.ok("explain", str(context))
    assert "\x1b" not in told
    assert max(map(len, told.splitlines()[1:])) <= 80  # but for the name of the file


def test_control_characters_of_a_dockerfile_do_not_reach_the_terminal(alone: Terminal) -> None:
    hostile = 'FROM a\nLABEL x="\x1b]0;owned\x07\x1b[2J"\nRUN echo \x1b[31m && \u202ecurl\n# \x1b[2J\nCMD \x9b2J\n'
    done = alone.run("explain", "-", stdin=hostile.encode())
    assert done.returncode == 0, done.stderr
    assert [char for char in done.stdout if not char.isprintable() and char != "\n"] == []


def test_control_characters_of_an_image_do_not_reach_the_terminal(alone: Terminal, tmp_path: Path) -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J\u202e\x9b2J"
    execution = Execution(cmd=(hostile,), user=hostile, env=(f"A{hostile}=b",), volumes={f"/{hostile}": {}})
    steps = (f"RUN /bin/sh -c echo {hostile}", f"#LABEL a={hostile}", hostile)
    put_image(make_engine(tmp_path), "evil", [file("a", b"a")], [file("b", b"b")], steps=steps, execution=execution)
    for what in ("evil", "layer", "ENTRYPOINT vs CMD"):
        assert [char for char in alone.ok("explain", what) if not char.isprintable() and char != "\n"] == []


def test_a_directory_without_a_dockerfile_is_said_to_have_none(alone: Terminal, tmp_path: Path) -> None:
    assert "no Dockerfile" in alone.fails("explain", str(tmp_path))


def test_a_word_is_explained_in_the_language_asked_for(alone: Terminal) -> None:
    told = alone.ok("explain", "capa", "--lang", "es")
    assert told.startswith("capa\n  · Un tar con los ficheros que un paso añadió")
    assert "▇" in told


def test_alone_it_lists_what_can_be_explained(alone: Terminal) -> None:
    told = alone.ok("explain")
    assert "  whiteout " in told
    assert "`capas explain IMAGE` explains an image" in told
    assert {"term": "tag"}.items() <= json.loads(alone.ok("explain", "--format", "json"))[3].items()


def test_a_word_that_is_nearly_one_of_ours_asks_no_registry(alone: Terminal) -> None:
    told = alone.fails("explain", "manifst")
    assert "there is nothing to explain that is called manifst\n  → did you mean manifest" in told


def test_a_term_is_told_as_json_too(alone: Terminal) -> None:
    told = json.loads(alone.ok("explain", "COPY", "--format", "json"))
    assert told["term"] == "COPY"
    assert told["examples"][0]["line"] == "COPY package.json package-lock.json ./"


def test_a_terminal_has_colours_and_lines_as_wide_as_it_is(alone: Terminal, context: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "CAPAS_ROOT": str(context / "store"), "HOME": str(context), "TERM": "xterm"}
    with Person([str(PROGRAM), "explain", str(context / "Dockerfile")], environ, size=(24, 50)) as person:
        seen = person.read_until("-P")
    assert "\x1b[36mdebian:12" in seen
    plain = re.sub(r"\x1b\[[0-9;]*m", "", seen).splitlines()
    assert max(map(len, plain[1:])) <= 50


def test_no_color_is_respected(alone: Terminal, context: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "CAPAS_ROOT": str(context / "store"), "HOME": str(context), "NO_COLOR": "1"}
    with Person([str(PROGRAM), "explain", str(context)], environ) as person:
        assert "\x1b[" not in person.read_until("-P")


@pytest.mark.root
@pytest.mark.peer("crun")
@pytest.mark.peer("busybox")
def test_costs_are_those_of_the_last_build_here(capas: Terminal, tmp_path: Path) -> None:
    write_files(
        tmp_path, {"Dockerfile": "FROM busybox\nENV A=b\nRUN head -c 5000 /dev/zero > /big\nCOPY Dockerfile /x\n"}
    )
    capas.ok("build", "-q", "-t", "costly", str(tmp_path))
    told = json.loads(capas.ok("explain", str(tmp_path), "--format", "json"))
    costs = {line["instruction"]: line["cost"] for line in told["lines"]}
    assert (costs["RUN"]["bytes"], costs["RUN"]["files"], costs["RUN"]["wasted"]) == (5000, 1, 0)
    assert costs["RUN"]["seconds"] >= 0
    assert costs["COPY"]["files"] == 1
    assert costs["ENV"] is None
    assert "What steps cost is from `costly:latest`, which was built here" in capas.ok("explain", str(tmp_path))
    write_files(tmp_path, {"Dockerfile": "FROM busybox\nRUN head -c 7000 /dev/zero > /other\n"})
    told = json.loads(capas.ok("explain", str(tmp_path), "--format", "json"))
    assert [line["cost"] for line in told["lines"]] == [None, None]


@pytest.mark.root
@pytest.mark.peer("crun")
@pytest.mark.peer("busybox")
def test_an_image_built_here_is_explained_step_by_step(capas: Terminal, tmp_path: Path) -> None:
    write_files(tmp_path, {"Dockerfile": "FROM busybox\nRUN mkdir -p /srv/web\nUSER ana\nEXPOSE 80\n"})
    capas.ok("build", "-q", "-t", "told", str(tmp_path))
    told = capas.ok("explain", "told")
    assert "Its first layer is that of `busybox:latest`, which is here" in told
    assert "makes the directory `/srv/web`" in told
    assert "as the user `ana`" in told
    steps = json.loads(capas.ok("explain", "told", "--format", "json"))["steps"]
    assert steps[-1]["source"] == "EXPOSE 80/tcp"
