"""Registries over TLS with a certificate of nobody's authority: refused, unless somebody says that it is right."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.errors import Invalid, Unavailable
from capas.reference import Reference
from capas.registry.client import Client
from capas.registry.message import Request
from capas.settings import RegistrySettings, Settings
from support.scripted import Reply, Served

pytestmark = pytest.mark.peer("openssl")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls")
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "9"]
    files = ["-keyout", path / "key.pem", "-out", path / "cert.pem"]
    subprocess.run([*words, *names, *files], check=True, capture_output=True)
    return path / "cert.pem"


def answer(request: Request) -> Reply:
    return Reply(200, b'{"tags": ["a"]}' if request.url.startswith("https://") else b'{"tags": ["plain"]}')


@pytest.fixture
def address(certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    with Served(answer, tls=context) as server:
        yield server.address


def list_tags(tmp_path: Path, address: str, said: RegistrySettings | None = None, **environ: str) -> list[str]:
    settings = Settings(tmp_path, tmp_path, tmp_path / "config.json", environ, {address: said} if said else {})
    client = Client(settings)
    try:
        return client.repository(Reference.parse(f"{address}/a")).list_tags()
    finally:
        client.close()


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(Unavailable, match="certificate is not trusted: self-signed") as caught:
        list_tags(tmp_path, address)
    assert "ca_bundle" in caught.value.hint


def test_the_bundle_in_the_settings_vouches(tmp_path: Path, address: str, certificate: Path) -> None:
    assert list_tags(tmp_path, address, RegistrySettings(ca_bundle=certificate)) == ["a"]


def test_the_bundle_in_the_environment_vouches(tmp_path: Path, address: str, certificate: Path) -> None:
    assert list_tags(tmp_path, address, SSL_CERT_FILE=str(certificate)) == ["a"]


def test_a_registry_named_insecure_is_spoken_to_all_the_same(tmp_path: Path, address: str) -> None:
    assert list_tags(tmp_path, address, RegistrySettings(insecure=True)) == ["a"]


def test_a_registry_named_insecure_may_speak_plain_http(tmp_path: Path) -> None:
    with Served(answer) as server:
        port = server.address.split(":")[1]
        name = f"127.0.0.1.nip.test:{port}"
        with pytest.raises(Unavailable):
            list_tags(tmp_path, name, RegistrySettings(insecure=True))  # no such host: only that it is not refused
        assert list_tags(tmp_path, server.address, RegistrySettings(insecure=True)) == ["plain"]


def test_a_bundle_that_is_not_there_is_named(tmp_path: Path, address: str) -> None:
    with pytest.raises(Invalid, match=r"cannot read the certificates in .*nowhere\.pem"):
        list_tags(tmp_path, address, RegistrySettings(ca_bundle=tmp_path / "nowhere.pem"))
