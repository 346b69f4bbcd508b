"""Passes that nobody of this hub signed, or not for this: R4, with payloads of our own."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from capas.errors import Unauthenticated
from capas.hub.people.access import Identity
from capas.hub.people.keys import Algorithm, Key, Keys
from capas.hub.people.passes import Granted, issue, verify
from capas.hub.records.database import Database
from capas.hub.seal import Seal, SecretsConfig
from support.people import NOW_NS

NOW = NOW_NS // 1_000_000_000
ALICE = Identity("alice", 1)
GRANTED = [Granted("repository", "alice/app", ["pull", "push"])]
Forge = Callable[[Key], str]


def make_keys(database: Database, path: Path, algorithm: Algorithm = "EdDSA", now: int = NOW_NS) -> Keys:
    seal = Seal(path / "secrets.key", SecretsConfig())
    return Keys(database, seal, algorithm, now_ns=lambda: now, new_token=lambda: secrets.token_hex(32))


@pytest.fixture(scope="module", params=["EdDSA", "RS256"])
def keys(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    path = tmp_path_factory.mktemp("keys")
    database = Database(f"sqlite:///{path / 'records.sqlite'}")
    yield make_keys(database, path, request.param)
    database.close()


def part(document: object) -> str:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims(**changed: Any) -> dict[str, Any]:
    said = {
        "iss": "capas-hub", "aud": "capas", "sub": "root", "user": 1, "jti": "0" * 32,
        "iat": NOW, "nbf": NOW, "exp": NOW + 300,
        "access": [{"type": "repository", "name": "library/app", "actions": ["pull", "push", "delete"]}],
    }  # fmt: skip
    return {name: value for name, value in {**said, **changed}.items() if value is not ...}


def sign(key: Key, header: dict[str, Any], said: dict[str, Any]) -> str:
    """A token that is well signed by the hub's own key, whatever it says."""
    from jwt.algorithms import get_default_algorithms

    text = f"{part(header)}.{part(said)}"
    return f"{text}.{part(get_default_algorithms()[key.algorithm].sign(text.encode(), key.private))}"


def own(key: Key, **more: Any) -> dict[str, Any]:
    return {"alg": key.algorithm, "typ": "JWT", "kid": key.id, **more}


def refused(keys: Keys, text: str) -> bool:
    with pytest.raises(Unauthenticated, match="the token is not valid"):
        verify(keys, text, NOW_NS)
    return True


def test_a_pass_says_who_and_what(keys: Keys) -> None:
    found = verify(keys, issue(keys, ALICE, GRANTED, NOW_NS, "f" * 32), NOW_NS)
    assert (found.identity.name, found.identity.user) == ("alice", 1)
    assert found.identity.access == {("alice/app", "pull"), ("alice/app", "push")}


def test_the_helper_signs_as_the_hub_does(keys: Keys) -> None:
    key = keys.get_signing()
    assert verify(keys, sign(key, own(key), claims()), NOW_NS).identity.name == "root"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
def test_no_algorithm_is_refused(keys: Keys, alg: str) -> None:
    key = keys.get_signing()
    for header in ({"alg": alg, "typ": "JWT"}, {"alg": alg, "typ": "JWT", "kid": key.id}):
        assert refused(keys, f"{part(header)}.{part(claims())}.")
        assert refused(keys, f"{part(header)}.{part(claims())}.{part(b'x' * 64)}")


def test_the_public_key_is_no_secret_of_hmac(keys: Keys) -> None:
    key = keys.get_signing()
    public = key.public
    forms = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    ]
    for algorithm, name in (("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")):
        for secret in forms:
            text = f"{part(own(key, alg=algorithm))}.{part(claims())}"
            assert refused(keys, f"{text}.{part(hmac.new(secret, text.encode(), name).digest())}")


@functools.cache
def forged(algorithm: str) -> Any:
    """A key of the forger's."""
    return ed25519.Ed25519PrivateKey.generate() if algorithm == "EdDSA" else rsa.generate_private_key(65537, 2048)


def forge_own_key(key: Key) -> tuple[Key, dict[str, Any]]:
    """The hub's key with the forger's in its place, and how a header could offer it."""
    private = forged(key.algorithm)
    from jwt.algorithms import get_default_algorithms

    jwk = get_default_algorithms()[key.algorithm].to_jwk(private.public_key(), as_dict=True)
    return key._replace(private=private, public=private.public_key()), dict(jwk)


@pytest.mark.parametrize("kid", ["same", "other", "none"])
@pytest.mark.parametrize("way", ["jwk", "jku", "x5u", "x5c", "crit", "plain"])
def test_a_key_that_the_token_brings_is_not_looked_at(keys: Keys, way: str, kid: str) -> None:
    key = keys.get_signing()
    mine, jwk = forge_own_key(key)
    offers: dict[str, dict[str, Any]] = {
        "jwk": {"jwk": jwk},
        "jku": {"jku": "http://127.0.0.1/keys.json"},
        "x5u": {"x5u": "http://127.0.0.1/key.pem"},
        "x5c": {"x5c": [base64.b64encode(b"a certificate").decode()]},
        "crit": {"crit": ["b64"], "b64": False},
        "plain": {},
    }
    header = own(key, **offers[way])
    if kid == "other":
        header["kid"] = "forged"
    if kid == "none":
        del header["kid"]
    assert refused(keys, sign(mine, header, claims()))


@pytest.mark.parametrize("way", ["jwk", "jku", "x5c", "crit"])
def test_headers_that_are_not_ours_are_refused_even_where_the_signature_is(keys: Keys, way: str) -> None:
    key = keys.get_signing()
    assert refused(keys, sign(key, own(key, **{way: ["x"]}), claims()))


@pytest.mark.parametrize("kid", ["../../dev/null", "' OR 1=1 --", "", "\0", 1, None, ["x"], {"a": 1}])
def test_the_name_of_a_key_is_only_looked_up(keys: Keys, kid: Any) -> None:
    key = keys.get_signing()
    assert refused(keys, sign(key, own(key, kid=kid), claims()))


def test_a_key_signs_by_its_own_algorithm_alone(keys: Keys) -> None:
    key = keys.get_signing()
    private = ec.generate_private_key(ec.SECP256R1())
    from jwt.algorithms import get_default_algorithms

    text = f"{part(own(key, alg='ES256'))}.{part(claims())}"
    assert refused(keys, f"{text}.{part(get_default_algorithms()['ES256'].sign(text.encode(), private))}")
    other = "RS256" if key.algorithm == "EdDSA" else "EdDSA"
    assert refused(keys, sign(key, own(key, alg=other), claims()))
    if key.algorithm == "RS256":
        for algorithm in ("PS256", "RS384", "RS512"):
            signed = f"{part(own(key, alg=algorithm))}.{part(claims())}"
            signature = get_default_algorithms()[algorithm].sign(signed.encode(), key.private)
            assert refused(keys, f"{signed}.{part(signature)}")


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "another"},
        {"iss": ...},
        {"aud": "another"},
        {"aud": ["another", "third"]},
        {"aud": ...},
        {"exp": NOW - 31},
        {"exp": ...},
        {"exp": "never"},
        {"exp": None},
        {"nbf": NOW + 31},
        {"nbf": ...},
        {"nbf": "now"},
        {"jti": ...},
        {"jti": ""},
        {"jti": 5},
        {"sub": ...},
        {"sub": 5},
        {"user": "1"},
        {"access": ...},
        {"access": None},
        {"access": "all"},
        {"access": [{"type": "repository", "name": "a/b"}]},
    ],
)  # fmt: skip
def test_claims_that_are_not_ours_are_refused_though_well_signed(
    database: Database, tmp_path: Path, changed: dict[str, Any]
) -> None:
    keys = make_keys(database, tmp_path)
    key = keys.get_signing()
    assert refused(keys, sign(key, own(key), claims(**changed)))


CHANGES: list[Callable[[list[str]], str]] = [
    lambda head: f".{head[1]}.{head[2]}",
    lambda head: f"{head[0]}.{head[1]}.",
    lambda head: ".".join(head) + ".x",
    lambda head: f"{head[0]}.{part(claims())}.{head[2]}",
    lambda head: "x" * 20_000,
    lambda head: "",
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_pass_that_was_changed_is_refused(keys: Keys, change: Callable[[list[str]], str]) -> None:
    text = issue(keys, ALICE, GRANTED, NOW_NS, "f" * 32)
    assert refused(keys, change(text.split(".")))


def test_a_pass_of_another_hub_is_refused(keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Database(f"sqlite:///{tmp_path / 'other' / 'records.sqlite'}")
    text = issue(make_keys(other, tmp_path / "other"), ALICE, GRANTED, NOW_NS, "f" * 32)
    other.close()
    assert refused(keys, text)


def test_actions_and_types_that_nobody_knows_open_nothing(keys: Keys) -> None:
    key = keys.get_signing()
    odd = [
        {"type": "repository", "name": "a/b", "actions": ["*", "manage", "PULL"]},
        {"type": "user", "name": "a/b", "actions": ["pull"]},
    ]
    assert verify(keys, sign(key, own(key), claims(access=odd)), NOW_NS).identity.access == frozenset()


def test_processes_share_their_keys(database: Database, tmp_path: Path) -> None:
    one, other = make_keys(database, tmp_path), make_keys(database, tmp_path)
    text = issue(one, ALICE, GRANTED, NOW_NS, "f" * 32)
    assert verify(other, text, NOW_NS).identity.name == "alice"
    assert other.get_signing().id == one.get_signing().id


def test_a_key_signs_for_a_week_and_verifies_until_its_last_pass_has_ended(database: Database, tmp_path: Path) -> None:
    week = 7 * 24 * 3600 * 1_000_000_000
    first = make_keys(database, tmp_path)
    old = first.get_signing()
    text = issue(first, ALICE, GRANTED, NOW_NS + week - 1, "f" * 32)
    later = make_keys(database, tmp_path, now=NOW_NS + week + 1)
    fresh = later.get_signing()
    assert fresh.id != old.id
    assert verify(later, text, NOW_NS + week + 1).identity.name == "alice"
    retired = later.find(old.id)
    assert retired is not None
    assert retired.private is None
    end = NOW_NS + week + 400 * 1_000_000_000
    assert make_keys(database, tmp_path, now=end).find(old.id) is None


def test_another_algorithm_takes_over_at_once(database: Database, tmp_path: Path) -> None:
    text = issue(make_keys(database, tmp_path), ALICE, GRANTED, NOW_NS, "f" * 32)
    keys = make_keys(database, tmp_path, "RS256", now=NOW_NS + 1)
    assert keys.get_signing().algorithm == "RS256"
    assert verify(keys, text, NOW_NS).identity.name == "alice"


def test_private_keys_lie_sealed_in_the_records(database: Database, tmp_path: Path) -> None:
    key = make_keys(database, tmp_path).get_signing()
    raw = key.private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    held = (tmp_path / "records.sqlite").read_bytes() + (tmp_path / "records.sqlite-wal").read_bytes()
    assert raw not in held
    assert base64.b64encode(raw)[:40] not in held
    assert hashlib.sha256(held).digest()  # something was read
    assert b"BEGIN PRIVATE" not in held


def test_a_key_sealed_by_a_lost_secret_is_replaced(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = make_keys(database, tmp_path)
    text = issue(old, ALICE, GRANTED, NOW_NS, "f" * 32)
    (tmp_path / "secrets.key").unlink()
    keys = make_keys(database, tmp_path, now=NOW_NS + 1)
    assert keys.get_signing().id != old.get_signing().id
    assert "a key that signs tokens is replaced" in caplog.text
    assert verify(keys, text, NOW_NS).identity.name == "alice"


def test_a_key_tells_nothing_when_it_is_printed(keys: Keys) -> None:
    key = keys.get_signing()
    assert repr(key) == f"Key(id={key.id!r}, algorithm={key.algorithm!r})"
