"""Pages of the guide, followed as a reader does: their files are written, their commands run, with a store and a hub.

The pages of IMAGES go on one where the other ended; those of ALONE stand by themselves.

A fence with a title (```dockerfile title="web/Dockerfile") is a file; ```console fences are run as support.pages says.
The hub stands in for Docker Hub too: it has `busybox`, made of this machine's.

`.venv/bin/python tests/support/chapter.py [PAGE…]` writes what is printed into IMAGES, or into these pages of ALONE.
"""

from __future__ import annotations

import io
import re
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

TOP = Path(__file__).parents[2]
sys.path[:0] = [str(TOP / "tests")]

from capas.hub.app import App, create_app  # noqa: E402
from capas.hub.finding.pulls import Pull, count_pulls  # noqa: E402
from capas.hub.finding.stars import star  # noqa: E402
from capas.hub.hub import Options  # noqa: E402
from capas.hub.people.repositories import describe, set_visibility  # noqa: E402
from capas.hub.records.repositories import find_repository  # noqa: E402
from support.examples import make_busybox  # noqa: E402
from support.hub import running_hub  # noqa: E402
from support.pages import HUB, Command, Page, commands_in  # noqa: E402
from support.people import KEEPER, PASSWORD, person  # noqa: E402
from support.sessions import short_folder  # noqa: E402
from support.terminal import PROGRAM, Terminal  # noqa: E402
from support.transcript import mask  # noqa: E402

LANGUAGES = ("en", "es")
SITE = TOP / "docs" / "site"
IMAGES = ("index", "what-an-image-is", "finding", "pulling", "tags", "layers", "history", "private", "dockerfile",
          "first-image", "cache", "stages", "smaller", "sharing")  # fmt: skip
ALONE = tuple(
    f"{part}/{path.stem}" for part in ("how-to", "inside") for path in sorted((SITE / "en" / part).glob("*.md"))
)
_FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_AT_ONCE = re.compile(r"^capas (pull|push|run|build)\b", re.MULTILINE)
_MASKS = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"\b\d+(\.\d+)? ?m?s\b", "<time>"),
        (r"\b[0-9a-f]{7,12}\b(?=…)", "<id>"),
        (r"\b\d{3,}\b", "<n>"),  # bytes of busybox, pulls that are counted meanwhile
        (r"(?<=<time> ago  <id>  )(.{6}).*$", r"\1"),  # a drawing's last column has what room is left
    )
)
_SEEN = (("library/busybox", "The tools of a Unix in one small file", 3, 48_000),
         ("luis/busybox-extras", "busybox and a few more tools", 1, 210))  # fmt: skip


class File(NamedTuple):
    """What a page shows of a file, whole."""

    name: str
    text: str


def steps_of(language: str, name: str) -> list[File | Command]:
    """What a reader of a page does, in its order."""
    text = path_of(language, name).read_text()
    return [step for fence in _FENCE.finditer(text) for step in _steps_in(*fence.groups())]


def _steps_in(language: str, title: str | None, body: str) -> Sequence[File | Command]:
    if title:
        return [File(title, body)]
    return commands_in(body) if language == "console" else []


def do(page: Page, step: File | Command) -> File | Command:
    """Write the file, or run the command: with what it prints."""
    if isinstance(step, Command):
        return page.run(step)
    path = page.folder / step.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(step.text)
    return step


def masked(step: File | Command) -> str:
    """Without what differs from run to run. What goes at once comes in any order."""
    if isinstance(step, File):
        return step.text
    lines = [_differs(mask(line)) for line in step.shown]
    return "\n".join((*step.lines, *(sorted(lines) if _AT_ONCE.search(step.text) else lines)))


def _differs(line: str) -> str:
    for pattern, text in _MASKS:
        line = pattern.sub(text, line)
    return line


def path_of(language: str, name: str) -> Path:
    """Where a page is; one of the chapter of images is told by its last name."""
    return SITE / language / (f"images/{name}.md" if "/" not in name and name != "index" else f"{name}.md")


@contextmanager
def open_chapter(language: str) -> Iterator[Page]:
    """An empty folder, an empty store and a hub at HUB where `luis` has an image and the reader has no account yet."""
    with short_folder() as root:
        folder = root / "page"
        folder.mkdir()
        app = create_app(folder / "hub", options=Options(open=False))
        with running_hub(folder / "hub", app=app) as address:
            _fill(app, root, address)
            (root / "bin").mkdir()
            (root / "bin" / "capas").symlink_to(PROGRAM)
            (root / "bin" / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
            (root / "bin" / "python").chmod(0o755)
            environ = {
                "PATH": f"{root}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(root), "LANG": f"{language}.UTF-8",
                "CAPAS_ROOT": f"{root}/store", "CAPAS_RUN_ROOT": f"{root}/run", "CAPAS_CONFIG": f"{root}/config.toml",
                "CAPAS_MIRRORS": f"docker.io=http://{address}",
            }  # fmt: skip
            yield Page(folder, environ, {HUB: address})


def _fill(app: App, root: Path, address: str) -> None:
    """busybox in two versions, and somebody's image that stands on it; public, described, starred and pulled."""
    database = app.hub.database
    terminal = Terminal(root / "seed", {"DOCKER_CONFIG": f"{root}/seed/docker", "CAPAS_STORE_KEEP": "compressed"})
    people = [
        person(database, "keeper", password=PASSWORD, is_admin=True),
        *(person(database, n) for n in ("luis", "eva")),
    ]
    terminal.ok("login", "-u", "keeper", "--password-stdin", address, stdin=PASSWORD.encode())
    name = f"{address}/library/busybox"
    for version in ("1.36", "1.37"):
        changes = ("-c", 'CMD ["sh"]', "-c", f"LABEL org.opencontainers.image.version={version}")
        terminal.ok("import", *changes, "-", f"{name}:{version}", stdin=_busybox(version))
    terminal.ok("tag", f"{name}:1.37", f"{name}:latest")
    terminal.ok("tag", f"{name}:1.36", f"{address}/luis/busybox-extras")
    terminal.ok("push", "-q", "-a", name)
    terminal.ok("push", "-q", f"{address}/luis/busybox-extras")
    now = time.time_ns()
    for repository, words, stars, pulls in _SEEN:
        set_visibility(database, repository, True, KEEPER)
        describe(database, repository, {"description": words}, KEEPER)
        number = database.read(lambda db, name=repository: find_repository(db, name))  # type: ignore[misc]
        assert number is not None
        for one in people[:stars]:
            star(database, one.user or 0, number, now)
        count_pulls(database, Counter({Pull(repository, "latest", ""): pulls}), now)


def _busybox(version: str) -> bytes:
    tree = io.BytesIO(make_busybox())
    told = tarfile.TarInfo("etc/version")
    told.size = len(version)
    with tarfile.open(fileobj=tree, mode="a") as archive:
        archive.addfile(told, io.BytesIO(version.encode()))
    return tree.getvalue()


def _fill_pages(language: str, names: Sequence[str]) -> None:
    """Pages of a language, with what is printed."""
    with open_chapter(language) as page:
        for name in names:
            path = path_of(language, name)
            path.write_text(_FENCE.sub(lambda fence: _filled(page, fence), path.read_text()))


def _filled(page: Page, fence: re.Match[str]) -> str:
    done = [do(page, step) for step in _steps_in(*fence.groups())]
    return "```console\n" + "".join(map(str, done)) + "```" if fence[1] == "console" else fence[0]


if __name__ == "__main__":
    for each in LANGUAGES:
        for together in [[name] for name in sys.argv[1:]] or [IMAGES]:
            _fill_pages(each, together)
