"""R13 with real accounts: what one person pulled through the hub's login is not another person's."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from capas.errors import Conflict
from capas.hub.app import create_app
from capas.hub.config import Config
from capas.hub.copying.upstream import Upstream as Configured
from capas.hub.hub import Options
from capas.hub.people.accounts import NewUser, create_user
from capas.hub.people.audit import By
from capas.hub.people.organisations import set_member
from support.asgi import Answered, Direct
from support.people import NOW_NS, PASSWORD
from support.upstream import Upstream

BY = By("keeper", "", NOW_NS)
LOGIN = "Basic " + base64.b64encode(b"hub:open sesame").decode()


class Hub:
    def __init__(self, root: Path, upstream: Upstream, **options: object) -> None:
        one = Configured(prefix="corp", url=upstream.url, username="hub", password="open sesame", **options)  # type: ignore[arg-type]
        self.app = create_app(root, config=Config(upstreams=(one,)), options=Options(open=False))
        self.direct = Direct(self.app)
        for name in ("ana", "bob"):
            create_user(self.app.hub.database, NewUser(name, PASSWORD), BY)

    def get(self, who: str, path: str, method: str = "GET") -> Answered:
        secret = base64.b64encode(f"{who}:{PASSWORD}".encode()).decode()
        return self.direct.send(method, path, headers={"authorization": f"Basic {secret}"} if who else {})


@pytest.fixture
def corp() -> Iterator[Upstream]:
    with Upstream() as upstream:
        upstream.login = LOGIN
        yield upstream


@pytest.fixture
def hub(tmp_path: Path, corp: Upstream) -> Iterator[Hub]:
    found = Hub(tmp_path, corp)
    set_member(found.app.hub.database, "corp", "ana", "reader", BY)
    yield found
    found.direct.close()


def test_what_ana_pulled_is_not_there_for_bob_nor_for_anybody(hub: Hub, corp: Upstream) -> None:
    image = corp.add_image("team/app", "1.0", layer=b"a secret")
    paths = [
        "/v2/corp/team/app/manifests/1.0",
        f"/v2/corp/team/app/manifests/{image.digest}",
        f"/v2/corp/team/app/blobs/{image.layer}",
        "/v2/corp/team/app/tags/list",
        f"/v2/corp/team/app/referrers/{image.digest}",
    ]
    for path in paths:
        assert hub.get("ana", path).status == 200, path
    asked = len(corp.asked)
    for path in paths:
        for method in ("GET", "HEAD"):
            there, none = hub.get("bob", path, method), hub.get("bob", path.replace("app", "non"), method)
            assert (there.status, there.data.replace(b"app", b"non")) == (none.status, none.data)
            assert there.status in (404, 405) or (there.status, path[-7:]) == (200, "referre")
        assert hub.get("", path).status == 401
    assert len(corp.asked) == asked
    assert b"corp" not in hub.get("bob", "/v2/_catalog").data
    assert b"corp/team/app" in hub.get("ana", "/v2/_catalog").data


def test_bob_does_not_get_it_by_mounting_its_digest(hub: Hub, corp: Upstream) -> None:
    image = corp.add_image("team/app", "1.0", layer=b"a secret")
    assert hub.get("ana", f"/v2/corp/team/app/blobs/{image.layer}").data == b"a secret"
    for source in ("", "&from=corp/team/app"):
        answer = hub.get("bob", f"/v2/bob/mine/blobs/uploads/?mount={image.layer}{source}", "POST")
        assert answer.status == 202
    assert hub.get("bob", f"/v2/bob/mine/blobs/{image.layer}").status == 404


def test_a_member_who_leaves_has_nothing_any_more(hub: Hub, corp: Upstream) -> None:
    corp.add_image("team/app", "1.0")
    assert hub.get("ana", "/v2/corp/team/app/manifests/1.0").status == 200
    from capas.hub.people.organisations import remove_member

    remove_member(hub.app.hub.database, "corp", "ana", BY)
    assert hub.get("ana", "/v2/corp/team/app/manifests/1.0").status == 404


def test_what_is_made_public_is_everybodys(tmp_path: Path, corp: Upstream) -> None:
    corp.add_image("team/app", "1.0")
    hub = Hub(tmp_path / "open", corp, public=True)
    assert hub.get("bob", "/v2/corp/team/app/manifests/1.0").status == 200
    assert hub.get("", "/v2/corp/team/app/manifests/1.0").status == 200
    hub.direct.close()


def test_nobody_can_take_the_name_of_an_upstream(hub: Hub, tmp_path: Path, corp: Upstream) -> None:
    from capas.errors import AlreadyExists

    with pytest.raises(AlreadyExists):
        create_user(hub.app.hub.database, NewUser("corp", PASSWORD), BY)
    app = create_app(tmp_path / "other", options=Options(open=False))
    create_user(app.hub.database, NewUser("corp", PASSWORD), BY)
    app.close()
    with pytest.raises(Conflict, match="somebody here is called so"):
        Hub(tmp_path / "other", corp)
