"""An authority of a test's own, and certificates of it: for servers on loopback and for clients."""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = dt.timedelta(days=1)
_PURPOSES = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


class Authority:
    """Signs; its own certificate is in `folder/ca.pem`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(f"authority {x509.random_serial_number()}")
        made = _builder(self._name, self._name, self._key).add_extension(x509.BasicConstraints(True, None), True)
        _write(folder / "ca.pem", made.sign(self._key, hashes.SHA256()))

    def issue(self, name: str, folder: Path | None = None) -> Path:
        """`cert.pem`, `key.pem` and `ca.pem` in a directory, as docker's client and server want them."""
        place = folder or self._folder / name
        place.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        hosts: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        made = _builder(_name(name), self._name, key)
        made = made.add_extension(x509.SubjectAlternativeName(hosts), False)
        made = made.add_extension(x509.ExtendedKeyUsage(_PURPOSES), False)
        _write(place / "cert.pem", made.sign(self._key, hashes.SHA256()))
        form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        (place / "key.pem").write_bytes(key.private_bytes(*form))
        (place / "ca.pem").write_bytes((self._folder / "ca.pem").read_bytes())
        return place


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - _DAY).not_valid_after(now + _DAY)
    )  # fmt: skip


def _write(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
