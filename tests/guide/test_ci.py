"""The CI files of the guide: their build jobs run here as they stand, on the files of their page.

Stand-ins: the hub for ghcr.io and GitLab's registry, a `sudo` and a `pip` that change nothing of this machine.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping

import pytest
import yaml

from support.chapter import LANGUAGES, File, do, open_chapter, steps_of
from support.pages import HUB, Page

pytestmark = pytest.mark.root

PASSWORD = "correct horse battery"
STAND_INS = {"sudo": 'exec "$@"', "pip": 'test "$*" = "install capas"'}


def yaml_of(language: str, name: str) -> dict[str, object]:
    """A file of the page `how-to/ci`."""
    (found,) = [step.text for step in files_of(language) if step.name == name]
    return dict(yaml.safe_load(found))


def files_of(language: str) -> Iterator[File]:
    return (step for step in steps_of(language, "how-to/ci") if isinstance(step, File))


@pytest.fixture(params=LANGUAGES)
def page(request: pytest.FixtureRequest) -> Iterator[tuple[str, Page]]:
    """Somebody who has followed the page to its end, and the stand-ins first on PATH."""
    with open_chapter(request.param) as opened:
        for step in steps_of(request.param, "how-to/ci"):
            do(opened, step)
        aside = opened.folder / "stand-ins"
        aside.mkdir()
        for name, text in STAND_INS.items():
            (aside / name).write_text(f"#!/bin/sh\n{text}\n")
            (aside / name).chmod(0o755)
        environ = {**opened.environ, "PATH": f"{aside}:{opened.environ['PATH']}"}
        yield request.param, opened._replace(environ=environ)


def run_job(page: Page, script: str, variables: Mapping[str, str]) -> None:
    """A job's shell, which ends at the first command that fails, in the project's directory."""
    done = subprocess.run(
        ["sh", "-ec", script], cwd=page.folder / "app", env={**page.environ, **variables},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def pushed(page: Page, name: str) -> str:
    """The greeting in an image of the hub, nothing of which is here."""
    words = ["capas", "image", "cat", f"docker://{page.here[HUB]}/{name}", "/greeting"]
    done = subprocess.run(words, env=dict(page.environ), capture_output=True, text=True, timeout=120)
    return done.stdout


def test_githubs_job_builds_and_pushes(page: tuple[str, Page]) -> None:
    language, here = page
    (job,) = yaml_of(language, ".github/workflows/image.yml")["jobs"].values()  # type: ignore[attr-defined]
    (build,) = [step for step in job["steps"] if "TOKEN" in step.get("env", {})]
    script = build["run"].replace("/opt/capas/bin/", "").replace("ghcr.io", here.here[HUB])
    told = {"TOKEN": PASSWORD, "GITHUB_ACTOR": "ana", "GITHUB_REPOSITORY": "ana/app", "GITHUB_SHA": "4f5d"}
    run_job(here, script, told)
    assert pushed(here, "ana/app:4f5d") == "hello from CI\n"


def test_gitlabs_job_builds_and_pushes(page: tuple[str, Page]) -> None:
    language, here = page
    script = "\n".join(yaml_of(language, ".gitlab-ci.yml")["image"]["script"])  # type: ignore[index]
    registry = here.here[HUB]
    told = {
        "CI_REGISTRY": registry, "CI_REGISTRY_USER": "ana", "CI_REGISTRY_PASSWORD": PASSWORD,
        "CI_REGISTRY_IMAGE": f"{registry}/ana/app", "CI_COMMIT_SHORT_SHA": "4f5d",
    }  # fmt: skip
    run_job(here, script, told)
    assert pushed(here, "ana/app:4f5d") == "hello from CI\n"
