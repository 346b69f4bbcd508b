"""What cannot be done is answered with docker's statuses and its JSON, whatever it was."""

from __future__ import annotations

import pytest

from support.docker import Docker, Server
from support.docker_load import ask

pytestmark = pytest.mark.root

_PLAIN = {"Content_Type": "text/plain"}


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "words"),
    [
        ("GET", "/nowhere", None, {}, 404, "page not found"),
        ("GET", "/v1.43/nowhere", None, {}, 404, "page not found"),
        ("PUT", "/_ping", None, {}, 404, "page not found"),
        ("GET", "/containers/create", None, {}, 404, "page not found"),
        ("GET", "/v1.99/info", None, {}, 400,
         "client version 1.99 is too new. Maximum supported API version is 1.51"),
        ("GET", "/v1.10/info", None, {}, 400,
         "client version 1.10 is too old. Minimum supported API version is 1.24, please upgrade your client to a"),
        ("POST", "/containers/create", b"{no", {}, 400, "invalid JSON"),
        ("POST", "/containers/create", b"[]", {}, 400, "invalid JSON"),
        ("POST", "/containers/create", b"{}{}", {}, 400, "invalid JSON"),
        ("POST", "/containers/create", None, {}, 400, "invalid JSON: got EOF while reading request body"),
        ("POST", "/containers/create", b"{}", {}, 400, "config cannot be empty in order to create a container"),
        ("POST", "/containers/create", b"{}", _PLAIN, 400,
         "unsupported Content-Type header (text/plain): must be 'application/json'"),
        ("POST", "/containers/create", {"Image": 3}, {}, 400, "Image"),
        ("POST", "/containers/create", {"Image": "nosuch", "Cmd": ["true"]}, {}, 404, "nosuch"),
        ("POST", "/containers/create?name=no/name", {"Image": "busybox", "Cmd": ["true"]}, {}, 400, "no/name"),
        ("POST", "/containers/create", b'{"x":"' + b"y" * (65 << 20) + b'"}', {}, 413, "exceeded"),
        ("POST", "/containers/nobody/start", None, {}, 404, "nobody"),
        ("GET", "/containers/nobody/logs", None, {}, 400, "Bad parameters: you must choose at least one stream"),
        ("POST", "/exec/none/start", {}, {}, 404, "none"),
        ("GET", "/images/none/json", None, {}, 404, "none"),
        ("GET", "/volumes/none", None, {}, 404, "none"),
        ("GET", "/containers/json?filters=x", None, {}, 400, "filters"),
        ("GET", "/containers/json?limit=x", None, {}, 400, "limit"),
        ("GET", "/events?until=x", None, {}, 400, "x"),
        ("POST", "/volumes/create", b"{no", {}, 400, "invalid JSON"),
        ("GET", "/nodes", None, {}, 503, "This node is not a swarm manager."),
    ],
)  # fmt: skip
def test_each_mistake_has_dockers_answer(
    server: Server, method: str, path: str, body: object, headers: dict[str, str], status: int, words: str
) -> None:
    answer = ask(server.socket, method, path, body, **headers)
    assert (answer.status, words in answer.message) == (status, True), answer


def test_commands_of_a_swarm_say_that_there_is_none(docker: Docker) -> None:
    assert "not a swarm manager" in docker.fails("node", "ls")
    assert docker.ok("plugin", "ls").splitlines()[0].split() == ["ID", "NAME", "DESCRIPTION", "ENABLED"]
