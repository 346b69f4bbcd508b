"""Log in to registries and out of them, in docker's own file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capas.engine.engine import Engine


class Logins:
    """`engine.logins`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def login(self, domain: str, username: str, secret: str) -> None:
        """Keep these credentials once the registry has accepted them. Raises: Unauthenticated; Unavailable."""
        from capas.registry.login import login

        login(self._engine.client, domain, username, secret)

    def check(self, domain: str, username: str, secret: str) -> str:
        """Ask the registry and keep nothing; its identity token, if any. Raises: Unauthenticated; Unavailable."""
        from capas.registry.login import check_login

        return check_login(self._engine.client, domain, username, secret).identity_token

    def logout(self, domain: str) -> bool:
        """Forget them. Whether there were any."""
        from capas.registry.credentials import Credentials

        return Credentials(self._engine.settings.docker_config).erase(domain)
