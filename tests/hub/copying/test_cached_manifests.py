"""Manifests of another registry, kept here: checked when their time is over, and given when it cannot be asked."""

from __future__ import annotations

import json

from hub.copying.conftest import Copying
from support.hub_client import MANIFEST, code_of, digest_of
from support.upstream import Upstream

NAME = "team/app"


class Clock:
    def __init__(self) -> None:
        self.now_ns = 1_700_000_000_000_000_000

    def __call__(self) -> int:
        return self.now_ns

    def go_on(self, seconds: float) -> None:
        self.now_ns += int(seconds * 1e9)


def test_a_manifest_comes_by_tag_with_its_own_bytes_and_type(upstream: Upstream, copying: Copying) -> None:
    image = upstream.add_image(NAME, "1.0")
    answer = copying().send("GET", "manifests/1.0")
    assert (answer.status, answer.data) == (200, image.data)
    assert answer.headers["content-type"] == MANIFEST
    assert answer.headers["docker-content-digest"] == image.digest


def test_a_tag_is_asked_for_by_head_and_its_manifest_fetched_once(upstream: Upstream, copying: Copying) -> None:
    image, clock = upstream.add_image(NAME, "1.0"), Clock()
    hub = copying(app={"now_ns": clock}, trust_seconds=60)
    for _ in range(3):
        assert hub.send("GET", "manifests/1.0").status == 200
        assert hub.send("GET", f"manifests/{image.digest}").status == 200
    assert len(upstream.seen("HEAD")) == 1
    clock.go_on(61)
    assert hub.send("HEAD", "manifests/1.0").status == 200
    assert len(upstream.seen("HEAD")) == 2
    assert [one.path for one in upstream.seen("GET")] == [f"/v2/{NAME}/manifests/{image.digest}"]


def test_a_tag_that_moves_is_followed_when_its_time_is_over(upstream: Upstream, copying: Copying) -> None:
    upstream.add_image(NAME, "1.0")
    clock = Clock()
    hub = copying(app={"now_ns": clock}, trust_seconds=60)
    old = hub.send("GET", "manifests/1.0").data
    moved = upstream.add_image(NAME, "1.0", layer=b"another")
    assert hub.send("GET", "manifests/1.0").data == old
    clock.go_on(61)
    assert hub.send("GET", "manifests/1.0").data == moved.data


def test_an_upstream_that_is_down_is_answered_for_with_what_is_here_and_that_is_said(
    upstream: Upstream, copying: Copying
) -> None:
    image = upstream.add_image(NAME, "1.0")
    hub = copying(trust_seconds=0)
    assert "warning" not in hub.send("GET", "manifests/1.0").headers
    upstream.stop()
    answer = hub.send("GET", "manifests/1.0")
    assert answer.data == image.data
    assert answer.headers["warning"].startswith("110 ")
    unknown = hub.send("GET", "manifests/2.0")
    assert (unknown.status, code_of(unknown)) == (502, "UNAVAILABLE")


def test_what_was_deleted_there_is_gone_here_when_its_time_is_over(upstream: Upstream, copying: Copying) -> None:
    upstream.add_image(NAME, "1.0")
    hub = copying(trust_seconds=0)
    assert hub.send("GET", "manifests/1.0").status == 200
    del upstream.manifests[NAME, "1.0"]
    assert hub.send("GET", "manifests/1.0").status == 404
    upstream.stop()
    assert hub.send("GET", "manifests/1.0").status == 404


def test_that_something_is_missing_is_remembered_for_a_little_while(upstream: Upstream, copying: Copying) -> None:
    clock = Clock()
    hub = copying(app={"now_ns": clock})
    for _ in range(3):
        answer = hub.send("GET", "manifests/1.0")
        assert (answer.status, code_of(answer)) == (404, "MANIFEST_UNKNOWN")
    assert len(upstream.asked) == 1
    upstream.add_image(NAME, "1.0")
    clock.go_on(31)
    assert hub.send("GET", "manifests/1.0").status == 200


def test_of_an_index_only_the_platform_that_is_asked_for_is_fetched(upstream: Upstream, copying: Copying) -> None:
    amd, arm = upstream.add_image(NAME, seed="amd"), upstream.add_image(NAME, seed="arm", layer=b"arm's")
    upstream.add_index(NAME, "1.0", children={"linux/amd64": amd, "linux/arm64": arm})
    hub = copying()
    index = json.loads(hub.send("GET", "manifests/1.0").data)
    assert hub.send("GET", f"manifests/{index['manifests'][0]['digest']}").data == amd.data
    assert hub.send("GET", f"blobs/{amd.layer}").status == 200
    assert not [one for one in upstream.asked if arm.digest in one.path or arm.layer in one.path]


def test_an_image_is_for_the_platform_that_its_config_says_once_that_is_here(
    upstream: Upstream, copying: Copying
) -> None:
    image = upstream.add_image(NAME, "1.0")
    hub = copying()
    hub.send("GET", "manifests/1.0")
    found = "/api/v1/search?q=app&platform=linux/amd64"
    assert json.loads(hub.send("GET", found).data)["items"] == []
    hub.send("GET", f"blobs/{image.config}")
    names = [one["name"] for one in json.loads(hub.send("GET", found).data)["items"]]
    assert names == ["up/team/app"]


def test_a_platform_that_is_not_followed_is_not_fetched(upstream: Upstream, copying: Copying) -> None:
    amd, arm = upstream.add_image(NAME, seed="amd"), upstream.add_image(NAME, seed="arm", layer=b"arm's")
    upstream.add_index(NAME, "1.0", children={"linux/amd64": amd, "linux/arm64": arm})
    hub = copying(platforms=("linux/arm64/v8",))
    assert hub.send("GET", "manifests/1.0").status == 200
    assert hub.send("GET", f"manifests/{arm.digest}").status == 200
    assert hub.send("GET", f"manifests/{amd.digest}").status == 404
    assert not upstream.seen("GET", amd.digest)


def test_a_manifest_with_other_bytes_than_its_digest_is_neither_given_nor_kept(
    upstream: Upstream, copying: Copying
) -> None:
    image = upstream.add_image(NAME, "1.0")
    upstream.wrong[image.digest] = image.data.replace(b"2", b"3")
    hub = copying()
    assert hub.send("GET", "manifests/1.0").status == 502
    assert hub.send("GET", f"manifests/{image.digest}").status == 502
    upstream.wrong.clear()
    assert hub.send("GET", "manifests/1.0").data == image.data


def test_an_upstream_that_asks_to_wait_is_left_alone_and_clients_are_told_how_long(
    upstream: Upstream, copying: Copying
) -> None:
    upstream.status, upstream.headers = 429, {"Retry-After": "120"}
    clock = Clock()
    hub = copying(app={"now_ns": clock})
    for tag in ("1.0", "2.0", "3.0"):
        answer = hub.send("GET", f"manifests/{tag}")
        assert (answer.status, code_of(answer)) == (429, "TOOMANYREQUESTS")
        assert answer.headers["retry-after"] == "120"
    assert len(upstream.asked) == 1
    upstream.status, upstream.headers = 0, {}
    image = upstream.add_image(NAME, "1.0")
    clock.go_on(121)
    assert hub.send("GET", "manifests/1.0").data == image.data


def test_a_limit_that_is_reached_does_not_take_away_what_is_here(upstream: Upstream, copying: Copying) -> None:
    image = upstream.add_image(NAME, "1.0")
    hub = copying(trust_seconds=0)
    assert hub.send("GET", "manifests/1.0").status == 200
    upstream.status, upstream.headers = 429, {"Retry-After": "3600"}
    answer = hub.send("GET", "manifests/1.0")
    assert answer.data == image.data
    assert "warning" in answer.headers


def test_only_repositories_that_are_named_are_fetched(upstream: Upstream, copying: Copying) -> None:
    upstream.add_image(NAME, "1.0")
    upstream.add_image("other/app", "1.0")
    hub = copying(repositories=("team/*",))
    assert hub.send("GET", "manifests/1.0").status == 200
    assert hub.send("GET", "/v2/up/other/app/manifests/1.0").status == 404
    assert not [one for one in upstream.asked if "other" in one.path]


def test_the_path_of_the_url_is_put_before_every_name(upstream: Upstream, copying: Copying) -> None:
    upstream.add_image("acme/team/app", "1.0")
    assert copying(url=upstream.url + "/acme").send("GET", "manifests/1.0").status == 200


def test_a_copy_is_not_pushed_to(copying: Copying) -> None:
    hub = copying()
    assert hub.send("POST", "blobs/uploads/").status == 405
    answer = hub.send("PUT", "manifests/1.0", body=b"{}", headers={"content-type": MANIFEST})
    assert (answer.status, code_of(answer)) == (405, "UNSUPPORTED")


def test_containerd_says_which_registry_it_means(upstream: Upstream, copying: Copying) -> None:
    upstream.add_image("library/debian", "12")
    hub = copying(prefix="docker.io")
    assert hub.send("GET", "/v2/library/debian/manifests/12?ns=docker.io").status == 200
    assert hub.send("GET", "/v2/library/debian/manifests/12?ns=quay.io").status == 404
    assert hub.send("GET", "/v2/docker.io/library/debian/manifests/12").status == 200
    assert hub.send("GET", "/v2/docker.io/debian/manifests/12").status == 200


def test_a_mirror_is_asked_for_what_this_hub_has_not(upstream: Upstream, copying: Copying) -> None:
    theirs = upstream.add_image("library/debian", "12")
    upstream.add_image("library/busybox", "1")
    hub = copying(prefix="docker.io", mirror=True)
    hub.name = "library/busybox"
    ours = hub.push_image("1", seed=b"ours")
    assert hub.send("GET", "/v2/library/debian/manifests/12").data == theirs.data
    assert hub.send("GET", "/v2/library/busybox/manifests/1").data == ours.data


def test_under_the_name_of_a_mirror_the_hub_is_that_registry_alone(upstream: Upstream, copying: Copying) -> None:
    theirs = upstream.add_image("team/app", "1")
    hub = copying(prefix="docker.io", hosts=("mirror.example",))
    hub.name = "team/app"
    ours = hub.push_image("1", seed=b"ours")
    assert hub.send("GET", "manifests/1", headers={"host": "mirror.example:5000"}).data == theirs.data
    assert hub.send("GET", "manifests/1").data == ours.data


def test_the_tags_are_those_of_the_upstream_in_pages(upstream: Upstream, copying: Copying) -> None:
    for tag in ("1.0", "1.1", "2.0"):
        upstream.add_image(NAME, tag)
    hub = copying(trust_seconds=0)
    first = hub.send("GET", "tags/list?n=2")
    assert json.loads(first.data) == {"name": "up/" + NAME, "tags": ["1.0", "1.1"]}
    assert "last=1.1" in first.headers["link"]
    assert json.loads(hub.send("GET", "tags/list?n=2&last=1.1").data)["tags"] == ["2.0"]
    assert hub.send("GET", "/v2/up/team/none/tags/list").status == 404


def test_many_who_ask_at_once_are_one_request(upstream: Upstream, copying: Copying) -> None:
    from concurrent.futures import ThreadPoolExecutor

    image = upstream.add_image(NAME, "1.0")
    hub = copying()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: hub.send("GET", "manifests/1.0"), range(16)))
    assert {digest_of(answer.data) for answer in answers} == {image.digest}
    assert len(upstream.seen("GET")) == 1
