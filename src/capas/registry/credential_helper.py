"""Credential helpers: programs called `docker-credential-…` that keep logins for docker, and so for us.

Spec: docker/docker-credential-helpers, "Development". Secrets go over pipes, never into arguments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from capas.errors import CapasError, Invalid, NotFound, Unavailable

if TYPE_CHECKING:
    import subprocess

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_SECONDS = 60
_LARGEST = 1 << 20
_MISSING = "credentials not found"


class CredentialHelper:
    """The helper `docker-credential-{name}` on PATH. Raises: Invalid for a name that is none."""

    def __init__(self, name: str, environ: Mapping[str, str] | None = None) -> None:
        if not _NAME.fullmatch(name):
            raise Invalid("not the name of a credential helper: {name!r}", name=name[:100])
        self.program = f"docker-credential-{name}"
        self._environ = environ

    def get(self, server: str) -> tuple[str, str] | None:
        """User name and secret, None where the helper has none. Raises: NotFound for no such program; Unavailable."""
        done = self._run("get", server)
        if done.returncode != 0:
            if _MISSING in done.stdout.decode("utf-8", "replace").lower():
                return None
            raise self._failed("get", done)
        try:
            answer = json.loads(done.stdout[:_LARGEST])
            return str(answer["Username"]), str(answer["Secret"])
        except (ValueError, KeyError, TypeError):
            raise Unavailable("{program} answers with something that is no login", program=self.program) from None

    def store(self, server: str, username: str, secret: str) -> None:
        """Keep a login. Raises: NotFound; Unavailable."""
        self._must("store", json.dumps({"ServerURL": server, "Username": username, "Secret": secret}))

    def erase(self, server: str) -> None:
        """Forget a login. Raises: NotFound; Unavailable."""
        self._must("erase", server)

    def _must(self, verb: str, words: str) -> None:
        done = self._run(verb, words)
        if done.returncode != 0:
            raise self._failed(verb, done)

    def _run(self, verb: str, words: str) -> subprocess.CompletedProcess[bytes]:
        import subprocess

        environ = None if self._environ is None else dict(self._environ)
        try:
            return subprocess.run(
                [self.program, verb], input=words.encode(), capture_output=True, timeout=_SECONDS, env=environ,
                check=False,
            )  # fmt: skip
        except FileNotFoundError:
            raise NotFound(
                "config.json names the credential helper {program}, which is not on PATH",
                program=self.program, hint="install it, or take it out of credsStore or credHelpers",
            ) from None  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Unavailable("{program} does not answer", program=self.program) from None
        except OSError as error:
            raise Unavailable("cannot start {program}: {why}", program=self.program, why=error.strerror) from None

    def _failed(self, verb: str, done: subprocess.CompletedProcess[bytes]) -> CapasError:
        # its output is not shown: a helper in trouble may print what it was given
        return Unavailable("{program} {verb} failed with status {status}", program=self.program, verb=verb,
                           status=done.returncode)  # fmt: skip
