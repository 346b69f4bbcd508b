"""What steps ask of a client, each time over its session: an agent, logins, secrets."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError
from grpclib.server import Stream

from capas.buildkit import messages_pb2 as wire
from capas.buildkit.asking import Client
from capas.registry.credentials import Login
from support.clients import both_ways, offering

SSH = "/moby.sshforward.v1.SSH/"


def unary(work: Any, question: type[Any], answer: type[Any]) -> Handler:
    return Handler(work, Cardinality.UNARY_UNARY, question, answer)


async def _echo(stream: Stream[Any, Any]) -> None:
    assert stream.metadata is not None
    await stream.send_message(wire.BytesMessage(data=f"{stream.metadata['buildkit.ssh.id']}: ".encode()))
    async for message in stream:
        await stream.send_message(message)


async def _has_work(stream: Stream[Any, Any]) -> None:
    question = await stream.recv_message()
    if question.id != "work":
        raise GRPCError(Status.NOT_FOUND, "no such agent")
    await stream.send_message(wire.Nothing())


def test_what_a_step_says_to_the_agent_reaches_the_client_and_comes_back(tmp_path: Path) -> None:
    long = tmp_path / ("long" * 30)  # a socket's path has 107 bytes at most, that of its file not
    long.mkdir()
    handlers = {
        SSH + "CheckAgent": unary(_has_work, wire.AgentRequest, wire.Nothing),
        SSH + "ForwardAgent": both_ways(_echo, wire.BytesMessage),
    }
    with offering(handlers) as caller:
        client = Client(caller, long)
        assert client.find_agent("other") is None
        path = client.find_agent("work")
        assert path is not None and client.find_agent("work") == path
        (tmp_path / "agent").symlink_to(path)
        with socket.socket(socket.AF_UNIX) as agent:
            agent.connect(str(tmp_path / "agent"))
            agent.sendall(b"question")
            agent.shutdown(socket.SHUT_WR)
            assert b"".join(iter(lambda: agent.recv(100), b"")) == b"work: question"
        client.close()


def test_logins_come_from_the_client_by_docker_s_names(tmp_path: Path) -> None:
    async def answer(stream: Stream[Any, Any]) -> None:
        host = (await stream.recv_message()).host
        known = {"registry-1.docker.io": ("ana", "sesame"), "ghcr.io": ("", "token")}
        username, secret = known.get(host, ("", ""))
        await stream.send_message(wire.CredentialsResponse(username=username, secret=secret))

    kind = unary(answer, wire.CredentialsRequest, wire.CredentialsResponse)
    with offering({"/moby.filesync.v1.Auth/Credentials": kind}) as caller:
        find = Client(caller, tmp_path).find_login()
        assert find("docker.io", "library/x") == Login("ana", "sesame")
        assert find("ghcr.io", "x/y") == Login(identity_token="token")
        assert find("localhost:5000", "x") is None


def test_a_client_without_secrets_has_none(tmp_path: Path) -> None:
    with offering({}) as caller:
        assert Client(caller, tmp_path).find_secret("token") is None
