"""An image in words: what it is, what it runs, what each step of its history did, and how sure that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from capas.dockerfile.meaning.sentence import Sentence, write
from capas.engine.engine import Engine
from capas.engine.explaining import ExplainedFile
from capas.errors import NotFound
from capas.look.explaining import ExplainedImage
from capas.look.terms.explained import ExplainedTerm
from capas.oci.config import Execution
from support.changesets import file
from support.looking import make_engine, put_image

STEPS = (
    "ADD rootfs.tar.xz / # buildkit",
    "#ENV GREETING=hello world",
    "RUN /bin/sh -c apt-get update && apt-get install -y curl # buildkit",
    "#EXPOSE map[8080/tcp:{}]",
    '#ENTRYPOINT ["serve"]',
    '#CMD ["--all"]',
)
LAYERS = ([file("bin/sh", b"x" * 5000)], [file("usr/bin/curl", b"y" * 9000)])
RUNS = Execution(
    entrypoint=("serve",), cmd=("--all",), user="web", exposed_ports={"8080/tcp": {}}, volumes={"/data": {}},
    env=("GREETING=hello world",), working_dir="/srv",
)  # fmt: skip


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = make_engine(tmp_path)
    put_image(engine, "app", *LAYERS, steps=STEPS, execution=RUNS)
    return engine


def said(sentences: tuple[Sentence, ...], language: str = "en") -> str:
    return "\n".join(write(sentence, language) for sentence in sentences)


def test_what_an_image_runs_is_told_of_its_config(engine: Engine) -> None:
    told = said(engine.look.explain_image("app").summary)
    assert "`app` is an image for linux/amd64: 2 layers, " in told
    assert "A container of it runs `serve --all`\nas the user `web`\nin the directory `/srv`" in told
    assert "It listens on port `8080/tcp`\nIts data are in `/data`\nIt sets the variables `GREETING`" in told


def test_each_step_is_told_as_a_line_of_a_dockerfile_with_its_layer(engine: Engine) -> None:
    image = engine.look.explain_image("app")
    assert [step.past.line.split()[0] for step in image.steps] == ["ADD", "ENV", "RUN", "EXPOSE", "ENTRYPOINT", "CMD"]
    assert [step.step.digest is not None for step in image.steps] == [True, False, True, False, False, False]
    assert "installs the package `curl` with apt-get" in said(image.steps[2].past.does)
    assert "Sets the variable `GREETING` to `hello world`" in said(image.steps[1].past.does)
    assert "Without words it gets those of CMD: `serve --all`" in said(image.steps[4].past.does)


def test_it_is_told_in_spanish_too(engine: Engine) -> None:
    assert "Un contenedor suyo ejecuta `serve --all`" in said(engine.look.explain_image("app").summary, "es")


def test_which_step_made_which_layer_is_certain_where_their_numbers_agree(engine: Engine) -> None:
    told = said(engine.look.explain_image("app").sure)
    assert "2 steps with files for as many layers: which step made which is certain" in told


def test_which_step_made_which_layer_is_a_guess_where_they_do_not(engine: Engine) -> None:
    put_image(engine, "odd", *LAYERS, steps=("RUN true",))
    assert "which step made which is a guess" in said(engine.look.explain_image("odd").sure)


def test_the_base_is_found_by_its_layers(engine: Engine) -> None:
    put_image(engine, "base", LAYERS[0])
    told = said(engine.look.explain_image("app").summary)
    assert "Its first layer is that of `base:latest`, which is here: it stands on that image, that is certain" in told


def test_a_base_of_which_only_a_label_tells_is_not_called_certain(engine: Engine) -> None:
    labels = {"org.opencontainers.image.base.name": "debian:12"}
    put_image(engine, "labelled", LAYERS[0], execution=Execution(labels=labels))
    told = said(engine.look.explain_image("labelled").summary)
    assert "A label says that it stands on `debian:12`; nobody checks a label" in told


def test_a_step_of_another_tool_is_said_to_be_none_of_a_dockerfile(engine: Engine) -> None:
    put_image(engine, "bazel", LAYERS[0], steps=("bazel build //:image",))
    told = said(engine.look.explain_image("bazel").steps[0].past.does)
    assert "The history has `bazel build //:image`, which is no instruction of a Dockerfile" in told


def test_files_that_an_old_builder_noted_by_digest_are_said_to_be_so(engine: Engine) -> None:
    put_image(engine, "old", LAYERS[0], steps=("/bin/sh -c #(nop) COPY file:3a8b2c in /srv ",))
    told = said(engine.look.explain_image("old").steps[0].past.does)
    assert "to `/srv`" in told
    assert "noted no names of files, only their digest" in told


def test_one_door_explains_files_words_and_images(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian:12\n")
    file, word, image = (engine.look.explain(what) for what in (str(tmp_path), "layer", "app"))
    assert isinstance(file, ExplainedFile)
    assert "debian:12" in str(file.explanation.lines[0].does[0])
    assert isinstance(word, ExplainedTerm)
    assert isinstance(image, ExplainedImage)
    assert image.name == "app"


def test_a_directory_without_a_dockerfile_hides_no_word(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").mkdir()
    monkeypatch.chdir(tmp_path)
    assert isinstance(engine.look.explain("cache"), ExplainedTerm)
    with pytest.raises(NotFound, match=r"no Dockerfile at \./cache"):
        engine.look.explain("./cache")


def test_an_ignore_file_is_explained_line_by_line(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("*.log\n!keep.log\n")
    found = engine.look.explain(str(tmp_path / ".dockerignore"))
    assert isinstance(found, ExplainedFile)
    assert [str(line.does[0]) for line in found.explanation.lines] == [
        "Leaves out `*.log`, and if it is a directory all that is in it",
        "Takes `keep.log` in again, though a line above left it out",
    ]
