"""ssh agents in steps: the user's own, and one for keys; what passes through, and that none is left."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.build.agents import parse_ssh
from capas.errors import Denied, Invalid, NotFound, Unsupported
from capas.image.image import Image
from capas.run.agent import AgentProxy
from support.stepping import Steps

stepping = [pytest.mark.root, pytest.mark.peer("crun"), pytest.mark.peer("busybox"), pytest.mark.peer("ssh-agent")]
MOUNT = "--mount=type=ssh"
REMOVE_ALL, IDENTITIES, FAILURE, ANSWER = 19, 11, 5, 12


@pytest.fixture
def key(tmp_path: Path) -> str:
    """A key without a passphrase."""
    return make_key(tmp_path / "id_test")


@pytest.fixture
def agent(tmp_path: Path, key: str) -> Iterator[str]:
    """The socket of a running agent that has the key."""
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(tmp_path / "s")], stdout=subprocess.DEVNULL)
    try:
        while not (tmp_path / "s").exists():
            assert process.poll() is None
        subprocess.run(["ssh-add", "-q", key], env={"SSH_AUTH_SOCK": str(tmp_path / "s")}, check=True)
        yield str(tmp_path / "s")
    finally:
        process.kill()
        process.wait()


def make_key(path: Path, passphrase: str = "") -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", str(path)], check=True)
    return str(path)


def message(kind: int) -> bytes:
    return b"\x00\x00\x00\x01" + bytes([kind])


def ask(path: Path, kind: int) -> int:
    """The kind of the answer to a message without a body."""
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(str(path))
        stream.sendall(message(kind))
        return stream.recv(1 << 16)[4]


def asking(steps: Steps, line: str, **wishes: object) -> Image:
    """A build of one step that may have an agent."""
    return steps.run(f"RUN {line}", environ=os.environ, **wishes)


def agents_running(steps: Steps) -> list[str]:
    """The agents that builds of this place started."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words, folder = (path / "cmdline").read_bytes().split(b"\0"), os.readlink(path / "cwd")
        except OSError:
            continue
        if words[0].endswith(b"ssh-agent") and folder.startswith(str(steps.root)):
            found.append(str(path))
    return found


class TestInAStep:
    pytestmark = stepping

    @pytest.mark.covers("RUN", "--mount=type=ssh")
    @pytest.mark.covers("RUN --mount=type=ssh", "target")
    @pytest.mark.covers("RUN --mount=type=ssh", "uid, gid")
    @pytest.mark.covers("RUN --mount=type=ssh", "mode")
    def test_the_socket_is_where_and_whose_it_is_said_to_be(self, steps: Steps, agent: str) -> None:
        image = asking(
            steps,
            f"{MOUNT} {MOUNT},id=other,target=/a/s,uid=5,gid=6,mode=0620"
            " echo $SSH_AUTH_SOCK; stat -c '%F %u:%g:%a' $SSH_AUTH_SOCK /a/s",
            ssh={"default": (agent,), "other": (agent,)},
        )
        assert steps.said() == ["/run/buildkit/ssh_agent.0", "socket 0:0:600", "socket 5:6:620"]
        assert len(image.layers) == 1

    @pytest.mark.covers("RUN --mount=type=ssh", "id")
    def test_an_agent_is_one_of_its_id(self, steps: Steps, agent: str) -> None:
        asking(steps, f"{MOUNT},id=a echo $SSH_AUTH_SOCK; echo end", ssh={"b": (agent,)})
        assert steps.said() == ["", "end"]

    @pytest.mark.covers("RUN --mount=type=ssh", "required")
    def test_one_that_is_required_is_asked_for(self, steps: Steps) -> None:
        with pytest.raises(NotFound, match="ssh agent default is required") as caught:
            asking(steps, f"{MOUNT},required=true true")
        assert caught.value.hint == "give --ssh default"

    def test_the_users_own_agent_is_the_default(self, steps: Steps, agent: str) -> None:
        steps.run(f"RUN {MOUNT} ls $SSH_AUTH_SOCK", ssh={"default": ()}, environ={"SSH_AUTH_SOCK": agent})
        assert steps.said() == ["/run/buildkit/ssh_agent.0"]
        with pytest.raises(NotFound, match="no ssh agent runs here"):
            steps.run(f"RUN {MOUNT} echo again", ssh={"default": ()}, environ={})

    def test_keys_get_an_agent_that_ends_with_the_build(self, steps: Steps, key: str) -> None:
        running: list[list[str]] = []
        steps.on_event = lambda event: running.append(agents_running(steps))
        asking(steps, f"{MOUNT} test -S $SSH_AUTH_SOCK && echo here", ssh={"default": (key,)})
        assert steps.said() == ["here"]
        assert max(map(len, running)) == 1
        assert agents_running(steps) == []

    def test_a_key_with_a_passphrase_is_refused_at_once(self, steps: Steps, tmp_path: Path) -> None:
        locked = make_key(tmp_path / "locked", "secret words")
        with pytest.raises(Denied, match=r"the ssh key .*/locked cannot be used") as caught:
            asking(steps, f"{MOUNT} true", ssh={"default": (locked,)})
        assert "--ssh default" in caught.value.hint
        assert agents_running(steps) == []

    def test_without_ssh_agent_the_reason_is_said(self, steps: Steps, key: str) -> None:
        with pytest.raises(Unsupported, match="ssh-agent is not on PATH"):
            steps.run(f"RUN {MOUNT} true", ssh={"default": (key,)}, environ={"PATH": "/nonexistent"})

    def test_another_agent_is_the_same_step(self, steps: Steps, agent: str, key: str) -> None:
        asking(steps, f"{MOUNT} touch /made", ssh={"default": (agent,)})
        asking(steps, f"{MOUNT} touch /made", ssh={"default": (key,)})
        assert steps.last_cached()
        assert agents_running(steps) == []

    def test_the_socket_is_not_left_in_the_layer(self, steps: Steps, agent: str) -> None:
        image = asking(steps, f"{MOUNT} touch /made", ssh={"default": (agent,)})
        assert {entry.path for entry in steps.layer_entries(image)} == {b"made"}


@pytest.mark.peer("ssh-agent")
@pytest.mark.peer("ssh-add")
class TestWhatPasses:
    def test_identities_and_signatures_pass_and_nothing_that_changes_the_agent(
        self, agent: str, tmp_path: Path, key: str
    ) -> None:
        proxy = AgentProxy(tmp_path, "p", agent, owner=(os.getuid(), os.getgid()), mode=0o600)
        try:
            assert ask(tmp_path / "p", IDENTITIES) == ANSWER
            assert ask(tmp_path / "p", REMOVE_ALL) == FAILURE
            through = {"SSH_AUTH_SOCK": str(tmp_path / "p")}
            assert subprocess.run(["ssh-add", "-T", f"{key}.pub"], env=through, check=False).returncode == 0
            assert (
                subprocess.run(["ssh-add", "-qD"], env=through, check=False, stderr=subprocess.DEVNULL).returncode != 0
            )
        finally:
            proxy.close()
        listed = subprocess.run(["ssh-add", "-l"], env={"SSH_AUTH_SOCK": agent}, check=False, capture_output=True)
        assert b"ED25519" in listed.stdout

    def test_a_message_that_cannot_be_ends_the_talk(self, agent: str, tmp_path: Path) -> None:
        proxy = AgentProxy(tmp_path, "p", agent, owner=(os.getuid(), os.getgid()), mode=0o600)
        try:
            with socket.socket(socket.AF_UNIX) as stream:
                stream.connect(str(tmp_path / "p"))
                stream.sendall(b"\xff\xff\xff\xff\x0b")
                try:
                    assert stream.recv(1) == b""
                except ConnectionResetError:
                    pass
        finally:
            proxy.close()

    def test_a_place_with_a_long_path_will_do(self, agent: str, tmp_path: Path) -> None:
        folder = tmp_path / ("long" * 30)
        folder.mkdir()
        AgentProxy(folder, "p", agent, owner=(os.getuid(), os.getgid()), mode=0o600).close()
        assert (folder / "p").is_socket()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("default", ("default", ())), ("a=/s", ("a", ("/s",))), ("a=/k1,/k2", ("a", ("/k1", "/k2")))],
)
def test_agents_and_keys_can_be_named(text: str, expected: tuple[str, tuple[str, ...]]) -> None:
    assert parse_ssh(text) == expected


@pytest.mark.parametrize("text", ["", "=/s", "a="])
def test_what_names_no_agent_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="is not ID or ID=PATH"):
        parse_ssh(text)
