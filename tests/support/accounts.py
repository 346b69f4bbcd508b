"""A hub with accounts for tests, asked straight, its clock in the test's hands."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from capas.hub.app import create_app
from capas.hub.config import Config
from capas.hub.hub import Hub, Options
from capas.hub.people.access import Identity
from capas.hub.people.who import identify
from support.asgi import Answered, Direct
from support.people import NOW_NS, PASSWORD, person

SECOND_NS = 1_000_000_000


class Accounts(Direct):
    """The hub in `root`, with `alice` (password PASSWORD) and the administrator `root`."""

    def __init__(self, root: Path, config: Config = Config()) -> None:  # noqa: B008
        self.now_ns = NOW_NS
        app = create_app(root, options=Options(open=False), config=config, now_ns=lambda: self.now_ns)
        super().__init__(app)
        self.hub: Hub = app.hub

    def wait(self, seconds: float) -> None:
        self.now_ns += int(seconds * SECOND_NS)

    def person(self, name: str, *, is_admin: bool = False) -> Identity:
        return person(self.hub.database, name, is_admin=is_admin, password=PASSWORD)

    def ask_token(self, login: str = "", secret: str = PASSWORD, *scopes: str, **fields: str) -> Answered:
        """GET /token, by Basic where there is a login."""
        pairs = [*fields.items(), *(("scope", scope) for scope in scopes)]
        return self.send("GET", f"/token?{urlencode(pairs)}", headers=basic(login, secret) if login else {})

    def post_token(self, **fields: str) -> Answered:
        """POST /token."""
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return self.send("POST", "/token", urlencode(fields).encode(), kind)

    def pass_for(self, login: str, *scopes: str, secret: str = PASSWORD) -> dict[str, str]:
        """The header with a pass."""
        return bearer(token_in(self.ask_token(login, secret, *scopes)))

    def identity_of(self, headers: dict[str, str]) -> Identity:
        """Whom the hub takes a request for."""
        scope = {"headers": [(name.encode(), value.encode()) for name, value in headers.items()]}

        async def ask() -> Identity:
            return await identify(self.hub, SimpleNamespace(scope=scope), await self.hub.turn())

        return self.run(ask())

    def push_image(self, name: str, tag: str, headers: dict[str, str]) -> None:
        """The smallest image."""
        from support.hub_client import CONFIG, MANIFEST, describe, digest_of

        config = b"{}"
        start = self.send("POST", f"/v2/{name}/blobs/uploads/?digest={digest_of(config)}", config, headers)
        assert start.status == 201, start.data
        document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": describe(CONFIG, config), "layers": []}
        kind = {"content-type": MANIFEST}
        put = self.send("PUT", f"/v2/{name}/manifests/{tag}", json.dumps(document).encode(), {**headers, **kind})
        assert put.status == 201, put.data


def basic(login: str, secret: str = PASSWORD) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{login}:{secret}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def token_in(answer: Answered) -> str:
    assert answer.status == 200, answer.data
    return str(json.loads(answer.data)["token"])


def claims_of(token: str) -> dict[str, Any]:
    """What a pass says, unverified."""
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))
