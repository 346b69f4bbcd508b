#!/usr/bin/env python3
"""The images of library/: Capas builds them on debian, starts them, and asks them whether they work.

    tools/library.py [NAME…]    all of them when none is named

They stay in the store of .make/library, or in CAPAS_ROOT where that is set. Needs root: ports are published.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE / "examples"))

from bases import debian_tar  # noqa: E402

CAPAS = str(Path(sys.executable).with_name("capas"))
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PATIENCE_SECONDS = 60


class Wrong(Exception):
    """An image does not do what it should; the text says what."""


class Library:
    """A store of Capas in which the images are made and tried."""

    def __init__(self, state: Path, cache: Path) -> None:
        self.cache = cache
        self.env = {"CAPAS_ROOT": str(state), "CAPAS_RUN_ROOT": f"{state}.run"} | os.environ | {"LC_ALL": "C.UTF-8"}
        if CERTIFICATES.exists():
            self.env.setdefault("CAPAS_BUILD_CA_BUNDLE", str(CERTIFICATES))

    def capas(self, *words: str) -> str:
        """What a command prints. Raises: Wrong, with what it said."""
        done = subprocess.run([CAPAS, *words], env=self.env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Wrong(f"capas {' '.join(words)}: exit {done.returncode}: {done.stderr.strip()[-1500:]}")
        return done.stdout.strip()

    def make_base(self) -> None:
        """debian, the base of them all."""
        try:
            self.capas("image", "inspect", "debian")
        except Wrong:
            self.capas("import", "--change", 'CMD ["bash"]', str(debian_tar(self.cache)), "debian")

    def build(self, name: str) -> None:
        """The image of this name."""
        self.capas("build", "-q", "-t", name, str(HERE / "library" / name))

    @contextmanager
    def running(self, *words: str) -> Iterator[str]:
        """The id of a container for as long as the block lasts; then it has to stop when it is told to."""
        ident = self.capas("run", "-d", *words)
        try:
            yield ident
            self.capas("stop", "-t", "20", ident)
            code = self.capas("inspect", "--format", "{{.State.ExitCode}}", ident)
            if code == "137":
                raise Wrong(f"{words[-1]} had to be killed: it does not stop by itself")
        except Wrong as error:
            raise Wrong(f"{error}\nits log ends: {self.log(ident)[-1000:]}") from None
        finally:
            self.capas("rm", "-f", "-v", ident)

    def log(self, ident: str) -> str:
        """What the container has said, on both of its streams."""
        done = subprocess.run([CAPAS, "logs", ident], env=self.env, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def check_health(self, ident: str, image: str) -> None:
        """Its own health check succeeds, before long."""
        test = json.loads(self.capas("image", "inspect", "--format", "{{json .Config.Healthcheck.Test}}", image))
        until(lambda: self.capas("exec", ident, *test[1:]), f"the health check of {image}")

    def check_user(self, ident: str, user: str) -> None:
        """The service does not run as root."""
        owner = self.capas("exec", ident, "stat", "-c", "%U", "/proc/1")
        expect(owner, user, "the user of process 1")


def check_redis(library: Library) -> None:
    """It keeps a value, over a restart, and its process is not root's."""
    port = free_port()
    with library.running("-p", f"127.0.0.1:{port}:6379", "redis", "--appendonly", "yes") as ident:
        library.check_health(ident, "redis")
        library.check_user(ident, "redis")
        expect(say(port, b"SET greeting hello\r\n"), "+OK", "SET")
        library.capas("stop", ident)
        library.capas("start", ident)
        library.check_health(ident, "redis")
        expect(say(port, b"GET greeting\r\n"), "$5\r\nhello", "GET after a restart")


def check_nginx(library: Library) -> None:
    """It serves its page, logs who asked, and makes settings of templates."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder, "hello.conf.template")
        template.write_text('server { listen 81; location / { return 200 "$uri says ${GREETING}"; } }\n')
        options = ("-v", f"{folder}:/etc/nginx/templates:ro", "-e", "GREETING=hello")
        other = free_port()
        ports = ("-p", f"127.0.0.1:{port}:80", "-p", f"127.0.0.1:{other}:81")
        with library.running(*ports, *options, "nginx") as ident:
            library.check_health(ident, "nginx")
            expect("Welcome to nginx" in get(port, "/"), True, "the page it brings")
            expect(get(other, "/here"), "/here says hello", "the server of a template")
            until(lambda: "GET / HTTP" in library.log(ident) or fail("no such line"), "the log of requests")


def check_postgres(library: Library) -> None:
    """Nobody gets in without a password; it keeps a row in its volume; scripts of initdb.d run once."""
    try:
        library.capas("run", "--rm", "postgres")
    except Wrong as refusal:
        expect("POSTGRES_PASSWORD" in str(refusal), True, "what is said without a password")
    else:
        raise Wrong("postgres starts without a password")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the user postgres reads it
        Path(folder, "made.sql").write_text("CREATE TABLE made (row text); INSERT INTO made VALUES ('once');\n")
        options = ("-e", "POSTGRES_PASSWORD=secret", "-e", "POSTGRES_DB=shop")
        with library.running(*options, "-v", f"{folder}:/docker-entrypoint-initdb.d:ro", "postgres") as ident:
            library.check_health(ident, "postgres")
            library.check_user(ident, "postgres")
            for _ in range(2):
                library.check_health(ident, "postgres")
                expect(ask_postgres(library, ident, "secret"), "once", "a row")
                library.capas("stop", ident)
                library.capas("start", ident)
            library.check_health(ident, "postgres")
            try:
                ask_postgres(library, ident, "guess")
            except Wrong:
                return
            raise Wrong("postgres lets in who has a wrong password")


def ask_postgres(library: Library, ident: str, password: str) -> str:
    """The row, asked for over the network with a password."""
    address = f"postgresql://postgres:{password}@{library.capas('exec', ident, 'hostname')}/shop"
    return library.capas("exec", ident, "psql", "-At", address, "-c", "SELECT row FROM made")


def check_python(library: Library) -> None:
    """What is in the standard library is there, pip installs, and a server answers."""
    library.capas("run", "--rm", "python", "python", "-c", "import ssl, sqlite3, lzma, ctypes, zoneinfo")
    told = library.capas("run", "--rm", "python", "pip", "--version")
    expect("/opt/venv/" in told, True, "pip is that of the environment")
    port = free_port()
    options = ("-p", f"127.0.0.1:{port}:8000", "--stop-signal", "SIGINT", "-w", "/etc")
    with library.running(*options, "python", "python3", "-m", "http.server"):
        until(lambda: expect("bookworm" in get(port, "/os-release"), True, "a file over HTTP"), "its server")


def check_node(library: Library) -> None:
    """A script is run without `node` before it, npm is there, and a server answers."""
    expect(library.capas("run", "--rm", "node", "-p", "1 + 1"), "2", "node -p")
    library.capas("run", "--rm", "-u", "node", "-w", "/home/node", "node", "npm", "init", "-y")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "app.js").write_text(
            "require('http').createServer((ask, answer) => answer.end('hello ' + ask.url)).listen(8000);\n"
            "process.on('SIGTERM', () => process.exit(0));\n"
        )
        with library.running("-p", f"127.0.0.1:{port}:8000", "-v", f"{folder}:/app:ro", "-w", "/app", "node", "app.js"):
            until(lambda: expect(get(port, "/you"), "hello /you", "an answer over HTTP"), "its server")


CHECKS: dict[str, Callable[[Library], None]] = {
    "nginx": check_nginx,
    "redis": check_redis,
    "python": check_python,
    "postgres": check_postgres,
    "node": check_node,
}


def expect(found: object, wanted: object, what: str) -> None:
    """Raises Wrong where they differ."""
    if found != wanted:
        raise Wrong(f"{what}: {found!r}, not {wanted!r}")


def fail(text: str) -> None:
    """Wrong, as an expression."""
    raise Wrong(text)


def until(attempt: Callable[[], object], what: str) -> None:
    """Try until it goes well."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            attempt()
            return
        except (Wrong, OSError) as error:
            if time.monotonic() > limit:
                raise Wrong(f"{what}: {error}") from None
            time.sleep(0.1)


def get(port: int, path: str) -> str:
    """A page, waited for while the server is not up behind its published port."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except ConnectionError:
            if time.monotonic() > limit:
                raise
            time.sleep(0.1)


def say(port: int, words: bytes) -> str:
    """What redis answers."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(words)
        return connection.recv(100).decode().strip()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(names: list[str]) -> int:
    """Build and check; one line for each."""
    if unknown := set(names) - set(CHECKS):
        raise SystemExit(f"there is no {', '.join(sorted(unknown))} in library/; there are {', '.join(CHECKS)}")
    library = Library(HERE / ".make" / "library", HERE / ".make" / "cache")
    library.make_base()
    failed = 0
    for name in names or list(CHECKS):
        started = time.monotonic()
        try:
            library.build(name)
            built = time.monotonic()
            CHECKS[name](library)
            size = int(library.capas("image", "inspect", "--format", "{{.Size}}", name)) / 1e6
            sys.stdout.write(
                f"{name:10} built in {built - started:.0f} s, {size:.0f} MB, works ({time.monotonic() - built:.0f} s)\n"
            )
        except Wrong as error:
            failed += 1
            sys.stdout.write(f"{name:10} {error}\n")
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
