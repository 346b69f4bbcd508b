"""Names that may have been meant: asked of registries that say where they are found, and of no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from capas.errors import NotFound
from capas.oci.platform import Platform
from capas.reference import Reference
from capas.registry.client import Client
from capas.registry.message import Request
from capas.registry.resolve import resolve
from capas.settings import Settings
from capas.store.memory import MemoryBlobs
from support.scripted import Reply, Scripted

MISTYPED = Reference.parse("registry.example/acme/wbe").with_default_tag()
LINK = {"Link": '</api/v1/search?q=acme/wbe&limit=3>; rel="search"'}


def advice(transport: Scripted, root: Path) -> str:
    client = Client(Settings(root, root, root, {}, {}), transport=transport)
    with pytest.raises(NotFound) as caught:
        resolve(client.repository(MISTYPED), MISTYPED, Platform.parse("linux/amd64"), MemoryBlobs())
    return caught.value.hint


def registry(headers: dict[str, str], *, found: bytes, status: int = 200) -> Scripted:
    def answer(request: Request) -> Reply:
        if "/manifests/" in request.url:
            return Reply(404, b"{}", headers)
        return Reply(status, found if "/search" in request.url else b"{}")

    return Scripted(answer)


def test_a_registry_that_does_not_say_where_names_are_found_is_not_asked(tmp_path: Path) -> None:
    transport = registry({}, found=b"{}")
    assert "did you mean" not in advice(transport, tmp_path)
    assert all("/manifests/" in request.url for request in transport.requests)


def test_nobody_is_asked_at_another_host(tmp_path: Path) -> None:
    transport = registry({"Link": '<https://elsewhere.example/search>; rel="search"'}, found=b"{}")
    assert "did you mean" not in advice(transport, tmp_path)
    assert all("registry.example/" in request.url for request in transport.requests)


@pytest.mark.parametrize(("found", "status"), [(b"nonsense", 200), (b"{}", 200), (b"{}", 500), (b"{}", 404)])
def test_a_search_that_fails_leaves_the_advice_as_it_was(tmp_path: Path, found: bytes, status: int) -> None:
    assert advice(registry(LINK, found=found, status=status), tmp_path).startswith("check the name and the tag")


def test_what_is_no_name_is_not_repeated(tmp_path: Path) -> None:
    found = json.dumps({"items": [], "suggestions": ["\x1b[31mred", "acme/web"]}).encode()
    assert advice(registry(LINK, found=found), tmp_path).startswith("did you mean registry.example/acme/web? ")
