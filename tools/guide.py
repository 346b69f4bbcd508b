"""Build the guide: `tools/guide.py DIRECTORY`. Warnings are errors.

The pages of docs/site, and what is made from the code: the reference of commands, the terms, the Python API, and
drawings of images that are built for them. Their words are those of `--help`, `capas explain` and the docstrings.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click

from capas.build.request import BuildRequest
from capas.cli.commands import SHORT
from capas.cli.main import program
from capas.dockerfile.meaning.sentence import Sentence, write
from capas.engine.engine import Engine
from capas.language import translate
from capas.look.terms.explained import explain_term
from capas.look.terms.glossary import TERMS
from capas.settings import load_settings

DOCS = Path(__file__).parents[1] / "docs"
LANGUAGES = ("en", "es")


def main(target: Path) -> int:
    """Everything into one place, then the site."""
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder) / "site"
        shutil.copytree(DOCS / "site", sources)
        for name, text in (*_pictures(), *(page for language in LANGUAGES for page in _pages(language))):
            (sources / name).parent.mkdir(parents=True, exist_ok=True)
            (sources / name).write_text(text)
        mkdocs = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-f", str(DOCS / "mkdocs.yml")]
        environ = {**os.environ, "GUIDE_SOURCES": str(sources), "NO_MKDOCS_2_WARNING": "1"}
        return subprocess.run([*mkdocs, "-d", str(target.absolute())], env=environ, check=False).returncode


def _pages(language: str) -> Iterator[tuple[str, str]]:
    yield f"{language}/reference/commands.md", "".join(_commands(language))
    yield f"{language}/reference/terms.md", "".join(_terms(language))
    yield f"{language}/reference/python.md", PYTHON[language]


PYTHON = {
    "en": "# Python\n\nThe docstrings are in English.\n\n",
    "es": "# Python\n\nLos textos del código están en inglés.\n\n",
}
_PUBLIC = (
    "engine.porcelain", "engine.engine", "engine.images", "engine.look", "engine.containers", "engine.networks",
    "engine.builder", "engine.logins", "engine.system", "image.image", "image.index", "reference", "oci.digest",
    "oci.platform", "events", "errors",
)  # fmt: skip
for _text in LANGUAGES:
    PYTHON[_text] += "".join(f"::: capas.{name}\n\n" for name in _PUBLIC)


# commands


def _commands(language: str) -> Iterator[str]:
    say = {"en": "Commands", "es": "Órdenes"}[language]
    yield f"# {say}\n\n"
    for path, command in sorted(_walk(program, ("capas",))):
        yield "".join(_command(path, command, language))


def _walk(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command under its full name; docker's short forms are told beside them."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if command is None or command.hidden or (path == ("capas",) and name in SHORT):
            continue
        if isinstance(command, click.Group):
            yield from _walk(command, (*path, name))
        else:
            yield (*path, name), command


def _command(path: tuple[str, ...], command: click.Command, language: str) -> Iterator[str]:
    name = " ".join(path)
    usage = " ".join(command.collect_usage_pieces(click.Context(command, info_name=name)))
    yield f"## {name}\n\n{translate(command.help or '', language)}\n\n```text\n{name} {usage}\n```\n\n"
    short = sorted(word for word, verb in SHORT.items() if program.get_command(click.Context(program), word) is command)
    if short:
        also = {"en": "Also", "es": "También"}[language]
        yield f"{also}: {', '.join(f'`capas {word}`' for word in short)}\n\n"
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    if options:
        yield {"en": "| Option | What it does |", "es": "| Opción | Qué hace |"}[language] + "\n|---|---|\n"
        yield "".join(_option(one, language) for one in options) + "\n"


def _option(option: click.Option, language: str) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts + option.secondary_opts)
    value = "" if option.is_flag else f" `{option.make_metavar(click.Context(click.Command('')))}`"
    return f"| {names}{value} | {_cell(translate(option.help or '', language))} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


# terms


def _terms(language: str) -> Iterator[str]:
    yield {
        "en": "# Terms\n\nThe words of `capas explain TERM`.\n\n",
        "es": "# Términos\n\nLas palabras de `capas explain TÉRMINO`.\n\n",
    }[language]
    for term in sorted(TERMS, key=lambda term: term.name_in(language).lower()):
        explained = explain_term(term, None, language)
        yield f"## {term.name_in(language)}\n\n"
        yield " ".join(_sentence(one, language) for one in term.says) + "\n\n"
        if explained.drawing:
            yield "```text\n" + "\n".join(explained.drawing) + "\n```\n\n"


def _sentence(sentence: Sentence, language: str) -> str:
    text = write(sentence, language).replace("<", "&lt;")
    return text if text.endswith((".", "?", "!")) else f"{text}."


# pictures


def _pictures() -> Iterator[tuple[str, str]]:
    """The drawings of docs/pictures.toml, of images that are built for them: files of zeros, which take no room."""
    told = tomllib.loads((DOCS / "pictures.toml").read_text())
    with tempfile.TemporaryDirectory() as folder:
        for name, image in told["images"].items():
            _build(Path(folder), name, image.get("from", "scratch"), image["layers"])
        for language in LANGUAGES:
            environ = {"CAPAS_ROOT": f"{folder}/store", "HOME": folder, "LANG": f"{language}_{language.upper()}.UTF-8"}
            engine = Engine(load_settings(environ))
            for name, images in told["pictures"].items():
                yield f"{language}/pictures/{name}.svg", engine.look.draw(*images).draw("svg").decode()


def _build(folder: Path, name: str, base: str, layers: list[tuple[str, int]]) -> None:
    context = folder / name
    for instruction, size in layers:
        source = context / instruction.split()[1]
        source.mkdir(parents=True)
        with (source / "file").open("wb") as file:
            file.truncate(size)
    (context / "Dockerfile").write_text("\n".join([f"FROM {base}", *(instruction for instruction, _ in layers), ""]))
    engine = Engine(load_settings({"CAPAS_ROOT": f"{folder}/store", "HOME": str(folder)}))
    engine.images.build(BuildRequest(context=str(context)), tags=[name])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
