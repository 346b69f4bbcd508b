"""The life of an image, end to end: what `make demo` runs. Every line that starts with `$` can be typed by hand."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
STATE = Path(os.environ.get("CAPAS_DEMO_STATE", HERE.parent / ".make" / "demo")).resolve()
CAPAS = [str(Path(sys.executable).with_name("capas"))]
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
sys.path.insert(0, str(HERE))

from bases import busybox_tar, debian_tar  # noqa: E402


def main() -> None:
    """Hub, bases, build, push, remove, pull, look, run, ask, the hub's page."""
    started = time.monotonic()
    port = free_port(5055)
    registry = f"localhost:{port}"
    os.environ |= {"CAPAS_ROOT": str(STATE / "store"), "CAPAS_MIRRORS": f"docker.io=http://{registry}"}
    if CA_BUNDLE.exists():
        os.environ.setdefault("CAPAS_BUILD_CA_BUNDLE", str(CA_BUNDLE))
    with hub(registry, port):
        make_bases(registry)
        app = f"{registry}/demo/web"
        title("Build examples/web: a Flask application in two stages, FROM debian")
        capas("build", "-t", app, str(HERE / "web"))
        title("Push it, remove it here, pull it back")
        capas("push", app)
        capas("rmi", app)
        capas("pull", app)
        title("How it came to be")
        capas("history", app)
        show_shared(app, f"{registry}/library/debian")
        run_and_ask(app)
        page = find_page(registry)
        title(f"Done in {time.monotonic() - started:.0f} s. All of it is kept in {STATE} for a quicker second time")
        show_page(page)


def make_bases(registry: str) -> None:
    """The official images of `library/`: busybox and debian."""
    for name, command in (("busybox", "sh"), ("debian", "bash")):
        target = f"{registry}/library/{name}"
        title(f"The base image library/{name}, made from Debian's packages")
        if not quiet("image", "inspect", target):
            tar = busybox_tar() if name == "busybox" else debian_tar(STATE / "cache").read_bytes()
            line("capas", "import", "--change", f'CMD ["{command}"]', "-", target)
            subprocess.run([*CAPAS, "import", "--change", f'CMD ["{command}"]', "-", target], input=tar, check=True)
        capas("push", target)


def show_shared(app: str, base: str) -> None:
    """The layers at the bottom of both images."""
    title("The layers it shares with its base")
    layers = [json.loads(output("image", "inspect", "--format", "{{json .RootFS.Layers}}", name)) for name in (app, base)]
    for position, layer in enumerate(layers[0]):
        mark = "shared with debian" if layer in layers[1] else "its own"
        print(f"  {position + 1}. {layer[7:19]}  {mark}")


def run_and_ask(app: str) -> None:
    """Start it, greet it over HTTP, show what it says."""
    title("Run it, and ask it over HTTP")
    port = free_port(8055)
    network = ["-p", f"127.0.0.1:{port}:8000"] if os.geteuid() == 0 else ["--network", "host", "-e", f"PORT={port}"]
    quiet("rm", "-f", "capas-demo")
    capas("run", "-d", "--name", "capas-demo", *network, app)
    try:
        address = f"http://127.0.0.1:{port}/"
        wait_for(address)
        print(f"  POST {address} → {ask(address, b'a visitor')!r}")
        print(f"  GET  {address} → {ask(address)!r}")
        capas("logs", "capas-demo")
    finally:
        capas("stop", "-t", "3", "capas-demo")
        capas("rm", "capas-demo")


def find_page(registry: str) -> str:
    """The address of the hub's page, which shows the images that were pushed."""
    address = f"http://{registry}/"
    page = ask(address)
    missing = [name for name in ("library/busybox", "library/debian", "demo/web") if f"/r/{name}" not in page]
    if missing:
        raise SystemExit(f"{address} does not show {', '.join(missing)}")
    return address


def show_page(address: str) -> None:
    """Where to look; while somebody looks, the hub stays."""
    print(f"\nThe images have their pages on the hub: \033[1m{address}\033[0m", flush=True)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("The hub ends with the demo; from a terminal, it stays until Ctrl-C.")
        return
    print("Press Ctrl-C to end.", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        print()


@contextmanager
def hub(registry: str, port: int) -> Iterator[None]:
    """An embedded hub on loopback for as long as the block lasts."""
    title(f"A hub of our own, on {registry}")
    line("capas", "hub", "serve", "--open", "--port", str(port), "--root", str(STATE / "hub"))
    command = [*CAPAS, "hub", "serve", "--open", "--port", str(port), "--root", str(STATE / "hub")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/v2/", process)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def wait_for(address: str, process: subprocess.Popen[bytes] | None = None) -> None:
    """Until it answers; 30 seconds at most."""
    limit = time.monotonic() + 30
    while True:
        try:
            ask(address)
            return
        except OSError:
            if time.monotonic() > limit or (process and process.poll() is not None):
                raise SystemExit(f"{address} does not answer") from None
            time.sleep(0.1)


def ask(address: str, data: bytes | None = None) -> str:
    """One request."""
    with urllib.request.urlopen(urllib.request.Request(address, data=data), timeout=5) as answer:
        return str(answer.read().decode().strip())


def free_port(wanted: int) -> int:
    """The port wanted, or any other that is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def title(text: str) -> None:
    """What comes next."""
    print(f"\n\033[1m==> {text}\033[0m", flush=True)


def line(*words: str) -> None:
    """The command, as one would type it."""
    print("$ " + shlex.join(words), flush=True)


def capas(*arguments: str) -> None:
    """Show a command and run it. The demo ends where it fails."""
    line("capas", *arguments)
    if subprocess.run([*CAPAS, *arguments]).returncode:
        raise SystemExit(f"capas {arguments[0]} failed")


def output(*arguments: str) -> str:
    """What a command prints."""
    return subprocess.run([*CAPAS, *arguments], check=True, capture_output=True, text=True).stdout


def quiet(*arguments: str) -> bool:
    """Whether a command succeeds."""
    return subprocess.run([*CAPAS, *arguments], capture_output=True).returncode == 0


if __name__ == "__main__":
    main()
