"""Secrets of a build: what a step sees of them, and that no byte of them is anywhere else."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.build.attestations.wish import parse_attestations
from capas.build.secrets import Mask, Secrets, SecretSource, parse_secret
from capas.errors import CapasError, Exhausted, Invalid, NotFound
from capas.events import Event, Said
from capas.layer.compression import decompress
from capas.run.concealed import Concealed
from support.stepping import Steps

VALUE = "hunter2-Zq8vXw51Lk"
MOUNT = "--mount=type=secret,id=token"


stepping = [pytest.mark.root, pytest.mark.peer("crun"), pytest.mark.peer("busybox")]


@pytest.fixture
def token(tmp_path: Path) -> dict[str, SecretSource]:
    """The secret `token`, from a file."""
    path = tmp_path / "token.txt"
    path.write_text(VALUE + "\n")
    return {"token": SecretSource(str(path))}


def places(root: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below, its name and content; blobs inflated too."""
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                data = path.read_bytes()
                yield str(path), str(path).encode() + data
                if path.parent.name == "sha256":
                    with path.open("rb") as file:
                        yield str(path), inflated(file)


def inflated(file: object) -> bytes:
    try:
        stream, data = decompress(file), bytearray()  # type: ignore[arg-type]
        while piece := stream.read(1 << 20):
            data += piece
    except CapasError:
        return b""
    return bytes(data)


def found_in(root: Path) -> list[str]:
    return [name for name, data in places(root) if VALUE.encode() in data]


def list_arguments() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes().decode(errors="replace")
        except OSError:
            continue


def told(steps: Steps) -> str:
    return "\n".join(map(repr, steps.events))


class TestWhatAStepSees:
    pytestmark = stepping

    @pytest.mark.covers("RUN", "--mount=type=secret")
    @pytest.mark.covers("RUN --mount=type=secret", "id")
    def test_a_file_in_memory_for_root_alone(self, steps: Steps, token: dict[str, SecretSource]) -> None:
        image = steps.run(
            f"RUN {MOUNT} wc -c < /run/secrets/token; stat -c %u:%g:%a /run/secrets/token;"
            " grep ' /run/secrets/token ' /proc/self/mounts | grep -c 'tmpfs ro,nosuid,nodev,noexec'",
            secrets=token,
        )
        assert steps.said() == ["19", "0:0:400", "1"]
        assert len(image.layers) == 1

    @pytest.mark.covers("RUN --mount=type=secret", "target")
    @pytest.mark.covers("RUN --mount=type=secret", "uid, gid")
    @pytest.mark.covers("RUN --mount=type=secret", "mode")
    def test_where_and_whose_it_is_may_be_said(self, steps: Steps, token: dict[str, SecretSource]) -> None:
        image = steps.run(
            f"USER ana\nRUN {MOUNT},target=/a/b/c,uid=1000,gid=50,mode=0440 stat -c %u:%g:%a /a/b/c; wc -c < /a/b/c",
            secrets=token,
        )
        assert steps.said() == ["1000:50:440", "19"]
        assert len(image.layers) == 1

    @pytest.mark.covers("RUN --mount=type=secret", "env")
    def test_a_variable(self, steps: Steps, token: dict[str, SecretSource]) -> None:
        steps.run(f"ENV TOKEN=old\nRUN {MOUNT},env=TOKEN echo ${{#TOKEN}}; ls /run/secrets || true", secrets=token)
        assert steps.said()[0] == str(len(VALUE) + 1)
        assert "token" not in steps.said()

    def test_a_variable_and_a_file(self, steps: Steps, token: dict[str, SecretSource]) -> None:
        steps.run(f'RUN {MOUNT},env=TOKEN,target=/f echo "$TOKEN" | head -n 1 | cmp - /f && echo same', secrets=token)
        assert steps.said() == ["same"]

    def test_one_without_an_id_is_known_by_its_target(self, steps: Steps, token: dict[str, SecretSource]) -> None:
        steps.run("RUN --mount=type=secret,target=/etc/token wc -c < /etc/token", secrets=token)
        assert steps.said() == ["19"]

    def test_one_that_was_not_given_is_not_there(self, steps: Steps) -> None:
        steps.run(f'RUN {MOUNT},env=TOKEN {MOUNT} test -z "$TOKEN" && test ! -e /run/secrets/token && echo none')
        assert steps.said() == ["none"]

    @pytest.mark.covers("RUN --mount=type=secret", "required")
    def test_one_that_is_required_is_asked_for(self, steps: Steps) -> None:
        with pytest.raises(NotFound, match="secret token is required") as caught:
            steps.run(f"RUN {MOUNT},required true")
        assert caught.value.hint == "give --secret id=token,src=FILE or --secret id=token,env=NAME"

    def test_one_from_the_environment(self, steps: Steps) -> None:
        given = {"token": SecretSource(variable="MINE")}
        steps.run(f"RUN {MOUNT} wc -c < /run/secrets/token", secrets=given, environ={"MINE": VALUE})
        assert steps.said() == ["18"]


class TestWhatDecides:
    pytestmark = stepping

    def test_another_value_is_the_same_step(self, steps: Steps, token: dict[str, SecretSource]) -> None:
        steps.run(f"RUN {MOUNT} touch /made", secrets=token)
        Path(token["token"].path).write_text("another")
        steps.run(f"RUN {MOUNT} touch /made", secrets=token)
        assert steps.last_cached()
        steps.run(f"RUN {MOUNT} touch /made")
        assert steps.last_cached()

    def test_another_id_is_another_step(self, steps: Steps, token: dict[str, SecretSource]) -> None:
        steps.run(f"RUN {MOUNT},target=/f touch /made", secrets=token)
        steps.run("RUN --mount=type=secret,id=other,target=/f touch /made", secrets=token)
        assert not steps.last_cached()


class TestWhereItIsNot:
    """C7: CVE-2023-26054 and its kin."""

    pytestmark = stepping
    LINES = (
        f'RUN {MOUNT} {MOUNT},env=TOKEN echo "$TOKEN"; cat /run/secrets/token >&2; echo begun; touch /made'
        f'\nRUN {MOUNT},env=TOKEN test -n "$TOKEN"'
    )

    def test_no_byte_is_left_after_a_build(self, steps: Steps, token: dict[str, SecretSource]) -> None:
        wish = parse_attestations(["type=sbom", "type=provenance,mode=max"])
        given = {**token, "also": SecretSource(variable="ALSO")}
        image = steps.run(self.LINES, secrets=given, environ={"ALSO": VALUE}, attestations=wish)
        steps.cache.close()
        assert found_in(steps.root) == []
        assert VALUE not in image.config_bytes.decode()
        assert "****" in steps.said()
        assert VALUE not in told(steps)

    def test_no_byte_is_on_disk_or_in_an_argument_while_it_runs(
        self, steps: Steps, token: dict[str, SecretSource]
    ) -> None:
        """Looked at from outside: what reports the output is in the step's own mount namespace."""
        seen: list[str] = []
        begun, looked = threading.Event(), threading.Event()

        def look() -> None:
            begun.wait(60)
            seen.extend(found_in(steps.root))
            seen.extend(words for words in list_arguments() if VALUE in words)
            looked.set()

        def wait(event: Event) -> None:
            if isinstance(event, Said) and event.text == "begun":
                begun.set()
                assert looked.wait(60)

        watcher = threading.Thread(target=look)
        watcher.start()
        steps.on_event = wait
        steps.run(self.LINES, secrets=token)
        watcher.join()
        assert looked.is_set()
        assert seen == []

    def test_no_byte_is_in_the_error_of_a_step_that_failed(self, steps: Steps, token: dict[str, SecretSource]) -> None:
        with pytest.raises(Invalid) as caught:
            steps.run(f'RUN {MOUNT},env=TOKEN echo "$TOKEN"; exit 3', secrets=token)
        shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
        assert VALUE not in shown + repr(caught.value.facts)
        assert caught.value.facts["output"] == ["****", ""]
        assert found_in(steps.root) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id=a,src=/f", ("a", SecretSource("/f"))),
        ("id=a,source=f,type=file", ("a", SecretSource("f"))),
        ("id=a,env=B", ("a", SecretSource(variable="B"))),
        ("type=env,id=a", ("a", SecretSource(variable="a"))),
        ("type=env,id=a,src=B", ("a", SecretSource(variable="B"))),
        ("id=a", ("a", SecretSource())),
        ('id=a,"src=/with,comma"', ("a", SecretSource("/with,comma"))),
    ],
)
def test_where_a_secret_is_can_be_said(text: str, expected: tuple[str, SecretSource]) -> None:
    assert parse_secret(text) == expected


@pytest.mark.parametrize("text", ["", "src=f", "id=a,value=b", "id=a,type=vault", "id=", "id", 'id=a,"src=b'])
def test_what_is_no_secret_is_refused_without_being_told(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_secret(text)
    assert "=b" not in str(caught.value)


def test_an_id_alone_is_a_variable_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\0file")
    secrets = Secrets({"NAME": SecretSource(), str(path): SecretSource()}, {"NAME": "value"})
    assert [found.reveal() for name in ("NAME", str(path)) if (found := secrets.find(name))] == [b"value", b"\0file"]


def test_a_secret_file_that_is_missing_or_too_large_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="secret a: cannot read"):
        Secrets({"a": SecretSource(str(tmp_path / "no"))}, {})
    (tmp_path / "big").write_bytes(bytes(500 * 1024 + 1))
    with pytest.raises(Exhausted, match="more than 512000 bytes"):
        Secrets({"a": SecretSource(str(tmp_path / "big"))}, {})


def test_every_line_of_a_secret_is_covered_and_short_ones_are_not() -> None:
    mask = Mask([Concealed(b"-----BEGIN KEY-----\nabcdef\nyes\n")])
    assert mask.cover("abcdef of -----BEGIN KEY-----, yes") == "**** of ****, yes"


def test_a_concealed_value_shows_in_no_text() -> None:
    assert VALUE not in f"{Concealed(VALUE.encode())!r} {[Concealed(VALUE.encode())]}"
