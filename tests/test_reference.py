"""References: docker's grammar and its rules for short names, as a table."""

from __future__ import annotations

import time

import pytest

from capas.errors import CapasError, Invalid, Unsupported
from capas.reference import Reference

HEX = "0123456789abcdef" * 4
DIGEST = f"sha256:{HEX}"

GOOD = [
    # written, normal form, as people write it
    ("nginx", "docker.io/library/nginx", "nginx"),
    ("nginx:1.25", "docker.io/library/nginx:1.25", "nginx:1.25"),
    ("user/app", "docker.io/user/app", "user/app"),
    ("docker.io/nginx", "docker.io/library/nginx", "nginx"),
    ("docker.io/library/nginx", "docker.io/library/nginx", "nginx"),
    ("index.docker.io/library/nginx", "docker.io/library/nginx", "nginx"),
    ("library/nginx", "docker.io/library/nginx", "nginx"),
    ("docker.io/user/app:v1", "docker.io/user/app:v1", "user/app:v1"),
    ("localhost/app", "localhost/app", "localhost/app"),
    ("localhost:5000/app", "localhost:5000/app", "localhost:5000/app"),
    ("localhost:5000/a/b/c:tag", "localhost:5000/a/b/c:tag", "localhost:5000/a/b/c:tag"),
    ("example.com/app", "example.com/app", "example.com/app"),
    ("example.com:80/app", "example.com:80/app", "example.com:80/app"),
    ("Upper/app", "Upper/app", "Upper/app"),
    ("127.0.0.1:5000/app", "127.0.0.1:5000/app", "127.0.0.1:5000/app"),
    ("[::1]:5000/app", "[::1]:5000/app", "[::1]:5000/app"),
    ("[2001:db8::1]/app", "[2001:db8::1]/app", "[2001:db8::1]/app"),
    ("xn--n3h.com/app", "xn--n3h.com/app", "xn--n3h.com/app"),
    ("a/b/c", "docker.io/a/b/c", "a/b/c"),
    ("a.b/c", "a.b/c", "a.b/c"),
    ("a__b/c-d/e.f/g---h", "docker.io/a__b/c-d/e.f/g---h", "a__b/c-d/e.f/g---h"),
    (f"nginx@{DIGEST}", f"docker.io/library/nginx@{DIGEST}", f"nginx@{DIGEST}"),
    (f"nginx:1@{DIGEST}", f"docker.io/library/nginx:1@{DIGEST}", f"nginx:1@{DIGEST}"),
    (f"example.com:5000/a:_T.-9@{DIGEST}", f"example.com:5000/a:_T.-9@{DIGEST}", f"example.com:5000/a:_T.-9@{DIGEST}"),
    ("nginx:" + "t" * 128, "docker.io/library/nginx:" + "t" * 128, "nginx:" + "t" * 128),
    ("a" * 63, "docker.io/library/" + "a" * 63, "a" * 63),
    (HEX[:-1], f"docker.io/library/{HEX[:-1]}", HEX[:-1]),
    ("test:5000/repo", "test:5000/repo", "test:5000/repo"),
    ("test.com:tag", "docker.io/library/test.com:tag", "test.com:tag"),
    ("test.com:5000", "docker.io/library/test.com:5000", "test.com:5000"),
    ("lowercase:Uppercase", "docker.io/library/lowercase:Uppercase", "lowercase:Uppercase"),
    ("docker/docker", "docker.io/docker/docker", "docker/docker"),
    ("library/user/app", "docker.io/library/user/app", "library/user/app"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "normal", "familiar"), GOOD)
def test_a_name_is_read_as_docker_reads_it(text: str, normal: str, familiar: str) -> None:
    reference = Reference.parse(text)
    assert (str(reference), reference.familiar) == (normal, familiar)


@pytest.mark.parametrize(("text", "normal", "familiar"), GOOD)
def test_every_written_form_reads_back_as_itself(text: str, normal: str, familiar: str) -> None:
    reference = Reference.parse(text)
    assert Reference.parse(normal) == reference
    assert Reference.parse(familiar) == reference


BAD = [
    "", " ", "nginx ", " nginx", "Nginx", "nginx:", ":tag", "@" + DIGEST, "nginx@", "a//b", "/nginx", "nginx/", "-a",
    "a-",    "_a", "a_", ".a", "a.", "a..b", "a___b", "a._b", "user/App", "example.com/App", "nginx:-tag", "nginx:.tag",
    "nginx:" + "t" * 129, "nginx:ta g", "nginx:tag:tag", "nginx:täg", "ñginx", HEX, "nginx@sha256:abc",
    "nginx@sha256:" + HEX.upper(), f"nginx@{DIGEST}0", f"nginx@{DIGEST}@{DIGEST}", "nginx@sha256:" + "g" * 64,
    "docker.io/", "docker.io/library/", "example.com:port/app", "example.com:/app", "exa mple.com/app", "-host.com/app",
    "host-.com/app", "http://example.com/app", "https://docker.io/nginx", "a/b\n", "a\nb", "nginx:tag\n", "../etc",
    "a/../b", "a\\b", "[::1/app", "[fe80::1%25eth0]/app", "a" * 256, "x/" + "a" * 255, "a" * 5000, "aa/asdf$$^/aa",
    "scratch@", "a:b/c:d:e", "٣", "nginx:٣", "a/٣", "example.com:٣/a", "sha256:" + HEX + "@", "\0", "{x}",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_a_name_that_docker_refuses_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        Reference.parse(text)
    assert len(str(caught.value)) < 500


def test_another_algorithm_is_unsupported_rather_than_wrong() -> None:
    with pytest.raises(Unsupported):
        Reference.parse("nginx@sha512:" + "a" * 128)


def test_a_name_in_capitals_says_how_to_write_it() -> None:
    with pytest.raises(Invalid, match="lower case") as caught:
        Reference.parse("Nginx:Latest")
    assert "nginx" in caught.value.hint


def test_the_default_tag_is_only_for_a_name_alone() -> None:
    tagged = [str(Reference.parse(text).with_default_tag()) for text in ("a", "a:b", f"a@{DIGEST}")]
    assert tagged == [
        "docker.io/library/a:latest", "docker.io/library/a:b", f"docker.io/library/a@{DIGEST}",
    ]  # fmt: skip


def test_a_tag_and_a_digest_replace_each_other() -> None:
    reference = Reference.parse(f"a:b@{DIGEST}")
    assert reference.digest is not None
    assert str(reference.with_tag("c")) == "docker.io/library/a:c"
    assert str(reference.with_digest(reference.digest)) == f"docker.io/library/a@{DIGEST}"
    with pytest.raises(Invalid, match="a tag is"):
        reference.with_tag("not a tag")


def test_the_registry_and_the_repository_are_apart() -> None:
    reference = Reference.parse("localhost:5000/a/b:c")
    assert (reference.domain, reference.path, reference.tag, reference.name) == (
        "localhost:5000", "a/b", "c", "localhost:5000/a/b",
    )  # fmt: skip


@pytest.mark.parametrize(
    "text", ["a" * 10**6, "a-" * 500_000, "a." * 2000, "a/" * 2000, "a:" * 2000, "[" * 4000, "a_" * 2000]
)
def test_a_megabyte_of_anything_is_refused_at_once(text: str) -> None:
    begin = time.process_time()
    with pytest.raises(CapasError):
        Reference.parse(text)
    assert time.process_time() - begin < 5  # quadratic would be hours
