"""The API keeps to its own document: Schemathesis makes requests of it, right ones and wrong ones."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.hub.app import create_app
from capas.hub.hub import Options
from capas.hub.people.organisations import create_organisation
from capas.hub.people.tokens import NewToken, create_token
from support.hub import running_hub
from support.people import KEEPER, person

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,unsupported_method"
)
SECONDS = 12


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The hub's address, and a token of its administrator."""
    root = tmp_path_factory.mktemp("hub")
    app = create_app(root, options=Options(open=False))
    with running_hub(root, app=app) as address:
        person(app.hub.database, "keeper", is_admin=True)
        alice = person(app.hub.database, "alice")
        create_organisation(app.hub.database, "acme", {}, alice.user or 0, KEEPER)
        yield address, create_token(app.hub.database, NewToken("keeper", "ci", None), "1" * 64, KEEPER)


def run(tmp_path: Path, address: str, *words: str) -> str:
    """What Schemathesis says of the API; it has to find nothing."""
    program = Path(sys.executable).with_name("st")
    command = [program, "run", f"http://{address}/api/v1/openapi.json", "--checks", CHECKS, "--max-time", str(SECONDS)]
    steady = ["--generation-deterministic", "--no-color", "--no-shrink"]
    done = subprocess.run([*command, *steady, *words], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


def test_an_administrator_gets_no_answer_that_the_document_does_not_know(
    place: tuple[str, str], tmp_path: Path
) -> None:
    address, secret = place
    run(tmp_path, address, "-H", f"Authorization: Bearer {secret}", "--phases", "examples,coverage,fuzzing", "-n", "12")


def test_nobody_gets_no_answer_that_the_document_does_not_know(place: tuple[str, str], tmp_path: Path) -> None:
    run(tmp_path, place[0], "--phases", "examples,coverage", "-n", "5")
