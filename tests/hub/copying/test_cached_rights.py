"""What is fetched with one login is not given to others (R13), whatever digests they name."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from capas.errors import Invalid
from capas.hub.app import create_app
from capas.hub.config import Config
from capas.hub.copying.upstream import Upstream as Configured
from capas.hub.copying.upstream import check_upstreams
from capas.hub.people.access import Action, Identity
from support.hub import running_hub
from support.hub_client import HubClient
from support.upstream import Upstream

SECRET = os.urandom(100_000)
LOGIN = "Basic " + base64.b64encode(b"hub:open sesame").decode()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Upstream, Upstream, HubClient]]:
    """A private registry that the hub has a login for, a public one of somebody else, and the hub over both."""

    def authorise(identity: Identity, repository: str, action: Action) -> bool:
        return not repository.startswith("corp/") or identity.name == "ali"

    with ExitStack() as stack:
        private, public = stack.enter_context(Upstream()), stack.enter_context(Upstream())
        private.login = LOGIN
        upstreams = (
            Configured(prefix="corp", url=private.url, username="hub", password="open sesame"),
            Configured(prefix="evil", url=public.url),
        )
        app = create_app(tmp_path, config=Config(upstreams=upstreams), authorise=authorise)
        client = HubClient(stack.enter_context(running_hub(tmp_path, app=app)))
        stack.callback(client.close)
        yield private, public, client


def test_who_may_not_read_the_prefix_gets_what_nobody_has(two: tuple[Upstream, Upstream, HubClient]) -> None:
    private, _, hub = two
    image = private.add_image("team/app", "1.0", layer=SECRET)
    missing = hub.send("GET", "/v2/corp/team/none/manifests/1.0")
    for path in ("manifests/1.0", f"manifests/{image.digest}", f"blobs/{image.layer}", "tags/list"):
        assert hub.send("GET", f"/v2/corp/team/app/{path}").status == 404
    answer = hub.send("GET", "/v2/corp/team/app/manifests/1.0")
    assert answer.data.replace(b"team/app", b"team/none") == missing.data
    assert not private.asked


def test_an_upstream_that_names_anothers_blob_does_not_get_at_it(
    two: tuple[Upstream, Upstream, HubClient], tmp_path: Path
) -> None:
    private, public, hub = two
    image = private.add_image("team/app", "1.0", layer=SECRET)
    stolen = public.add_image("me/app", "1.0", layer=SECRET)
    _put_into(tmp_path, SECRET, image.layer, "corp/team/app")
    public.wrong[stolen.layer] = bytes(len(SECRET))  # it says that it has the blob, with that size, and has it not
    assert hub.send("GET", "/v2/evil/me/app/manifests/1.0").status == 200
    answer = hub.send("GET", f"/v2/evil/me/app/blobs/{stolen.layer}", preload_content=False)
    assert SECRET[:1000] not in answer.read(50_000)
    assert public.seen("GET", stolen.layer)


def test_the_login_goes_to_its_own_upstream_alone(two: tuple[Upstream, Upstream, HubClient]) -> None:
    _, public, hub = two
    public.login = "Basic nobody's"
    public.add_image("me/app", "1.0")
    assert hub.send("GET", "/v2/evil/me/app/manifests/1.0").status == 404
    assert all("Authorization" not in one.headers for one in public.asked)


def test_an_upstream_does_not_lead_the_hub_into_its_own_network(two: tuple[Upstream, Upstream, HubClient]) -> None:
    private, public, hub = two
    private.login, image = "", public.add_image("me/app", "1.0", layer=SECRET)
    private.add_image("me/app", "1.0", layer=SECRET)
    assert hub.send("GET", "/v2/evil/me/app/manifests/1.0").status == 200
    for elsewhere in (private.url, "http://169.254.169.254", "http://[::1]:1"):
        public.elsewhere = elsewhere
        assert hub.send("GET", f"/v2/evil/me/app/blobs/{image.layer}").status == 404
    assert len(public.seen("GET", image.layer)) == 3
    assert not private.asked


def test_a_login_is_not_sent_in_plain_http_to_another_machine() -> None:
    one = Configured(prefix="corp", url="http://registry.example", username="hub", password="open sesame")
    with pytest.raises(Invalid, match="plain http"):
        check_upstreams([one])
    assert "sesame" not in repr(one)


def _put_into(root: Path, data: bytes, digest: str, repository: str) -> None:
    """As if somebody who may had pulled it."""
    from capas.hub.records.database import Database
    from capas.oci.digest import Digest
    from capas.store.blobs import DirectoryBlobs
    from capas.store.put import put
    from support.claims import hold

    put(DirectoryBlobs(root), data)
    database = Database(f"sqlite:///{root / 'records.sqlite'}")
    hold(database, repository, Digest(digest), 1_700_000_000_000_000_000, size=len(data))
    database.close()
