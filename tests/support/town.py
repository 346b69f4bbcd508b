"""A small town for tests of rights: a hub with an organisation, everybody who could come, and images to come for.

`acme/secret` is private, `acme/public` public, `acme/absent` is not there (names of one length, so that whole answers
can be compared). Each inhabitant is who their name says; what they show is in `Town.basic` and `Town.cookies`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection

from capas.hub.app import App, create_app
from capas.hub.hub import Options
from capas.hub.people import accounts, organisations, repositories, teams, tokens
from capas.hub.people.access import Identity, Role, Scope
from capas.hub.people.audit import By
from capas.hub.people.sessions import start_session
from capas.hub.people.tokens import ROBOT, NewToken
from support.asgi import Answered, Direct
from support.hub_client import CONFIG, LAYER, MANIFEST, describe, digest_of
from support.people import DAY_NS, NOW_NS, PASSWORD, person

SECRET, PUBLIC, ABSENT = "acme/secret", "acme/public", "acme/absent"
CONFIG_DATA, LAYER_DATA = b'{"architecture":"amd64","os":"linux"}', b"a layer"
DOCUMENT = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": describe(CONFIG, CONFIG_DATA),
        "layers": [describe(LAYER, LAYER_DATA)],
    }
).encode()
OTHER_DOCUMENT = DOCUMENT + b" "  # another digest, and what it needs is there
MANIFEST_DIGEST, LAYER_DIGEST, CONFIG_DIGEST = map(digest_of, (DOCUMENT, LAYER_DATA, CONFIG_DATA))
MEMBERS: tuple[Role, ...] = ("reader", "creator", "writer", "maintainer", "owner")
NOBODY = "anonymous"
REFUSED = ("deactivated", "expired")  # who shows what is not valid any more


class Known(NamedTuple):
    """Somebody who can come: what they are in acme's repositories, what they show."""

    role: Role | None
    login: str = ""
    secret: str = ""

    @property
    def header(self) -> Mapping[str, str]:
        if not self.login:
            return {}
        return {"authorization": "Basic " + base64.b64encode(f"{self.login}:{self.secret}".encode()).decode()}


class Town:
    """Make it once with `build_town`; open it as often as needed over copies of its directory."""

    def __init__(self, root: Path) -> None:
        self.people: dict[str, Known] = {
            name: Known(*values) for name, values in json.loads((root / "town.json").read_text()).items()
        }
        self.app = open_app(root)
        self._direct = Direct(self.app)

    def close(self) -> None:
        self._direct.close()

    def send(self, who: str, method: str, path: str, body: bytes | dict[str, Any] = b"", **headers: str) -> Answered:
        """A request as a client with credentials sends it."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, dict):
            body, named = json.dumps(body).encode(), {"content-type": "application/json", **named}
        return self._direct.send(method, path, body, {"host": "hub.example", **self.people[who].header, **named})

    def browse(self, who: str, method: str, path: str, form: str = "") -> Answered:
        """A request as the browser of somebody sends it who is logged in; forms come from our own pages."""
        cookies = {"capas_visit": "v" * 64} | ({"capas_session": cookie_of(who)} if who != NOBODY else {})
        headers = {"host": "hub.example", "cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        body = b""
        if method == "POST":
            from capas.hub.pages.forms import make_token

            anchor = cookies.get("capas_session", cookies["capas_visit"])
            body = f"csrf={make_token(anchor)}&{form}".encode()
            headers["content-type"] = "application/x-www-form-urlencoded"
        return self._direct.send(method, path, body, headers)


def open_app(root: Path) -> App:
    return create_app(root, options=Options(open=False), now_ns=lambda: NOW_NS + 2 * DAY_NS)


def cookie_of(who: str) -> str:
    return f"session of {who}".ljust(64, ".")


def build_town(root: Path) -> None:
    """Lay it out in this directory."""
    app = open_app(root)
    database = app.hub.database
    people: dict[str, Known] = {NOBODY: Known(None)}
    by = By("keeper", "", NOW_NS)

    def come(name: str, role: Role | None, *, is_admin: bool = False) -> Identity:
        identity = person(database, name, is_admin=is_admin)
        people[name] = Known(role, name, _token(app, NewToken(name, "all", None)))
        return identity

    owner = come("owner", "owner")
    organisations.create_organisation(database, "acme", {}, owner.user or 0, by)
    for role in MEMBERS[:-1]:
        come(role, role)
        organisations.set_member(database, "acme", role, role, by)
    teams.create_team(database, "acme", "devs", by)
    come("other", None)
    come("boss", "owner", is_admin=True)
    come("deactivated", None)
    bound = (Scope("acme/*", "writer"),)
    people["robot"] = Known("writer", "acme+ci", _token(app, NewToken("acme", "ci", bound, kind=ROBOT)))
    people["expired"] = Known(None, "owner", _token(app, NewToken("owner", "old", None, days=1)))
    narrow = (Scope("acme/secre*", "reader"),)
    people["scoped"] = Known("reader", "owner", _token(app, NewToken("owner", "narrow", narrow)))
    database.write(lambda db: _log_in(db, people))
    organisations.set_member(database, "acme", "deactivated", "owner", by)
    accounts.set_active(database, "deactivated", False, by)
    for name in ("other", "reader"):
        accounts.set_password(database, name, PASSWORD, by)
    database.write(lambda db: _log_in(db, {name: people[name] for name in ("other", "reader")}))
    direct = Direct(app)
    _push(direct, people["boss"])
    repositories.set_visibility(database, PUBLIC, True, by)
    (root / "town.json").write_text(json.dumps(people))
    direct.close()


def _push(direct: Direct, known: Known) -> None:
    for name in (SECRET, PUBLIC):
        for data in (CONFIG_DATA, LAYER_DATA):
            answer = direct.send(
                "POST", f"/v2/{name}/blobs/uploads/?digest={digest_of(data)}", data, dict(known.header)
            )
            assert answer.status == 201, answer
        kind = {"content-type": MANIFEST, **known.header}
        assert direct.send("PUT", f"/v2/{name}/manifests/v1", DOCUMENT, kind).status == 201


def _token(app: App, new: NewToken) -> str:
    return tokens.create_token(app.hub.database, new, app.hub.new_token(), By("keeper", "", NOW_NS))


def _log_in(db: Connection, people: Mapping[str, Known]) -> None:
    """Everybody who has an account is logged in with a browser too."""
    for name, known in people.items():
        if known.login == name:
            number = accounts.number_of(db, name)
            start_session(db, number, cookie_of(name), "page", client="", by=By(name, "", NOW_NS + 2 * DAY_NS))
