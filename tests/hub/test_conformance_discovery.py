"""The content discovery category of the conformance suite: tags, referrers, and docker's catalog."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.hub import running_hub
from support.hub_client import CONFIG, INDEX, MANIFEST, HubClient, code_of, describe, digest_of


def tags_of(hub: HubClient, query: str = "") -> list[str]:
    document = json.loads(hub.send("GET", "tags/list" + query).data)
    assert document["name"] == hub.name
    return list(document["tags"])


def follow(hub: HubClient, path: str, key: str) -> list[str]:
    found: list[str] = []
    while path:
        answer = hub.send("GET", path)
        found += json.loads(answer.data)[key]
        link = answer.headers.get("link", "")
        path = link.partition(">")[0].removeprefix("<")
        assert not link or link.endswith('rel="next"')
    return found


def test_tags_are_listed_in_order(hub: HubClient) -> None:
    for tag in ("v2", "latest", "v10", "Beta", "_x"):
        hub.push_image(tag)
    assert tags_of(hub) == sorted(("v2", "latest", "v10", "Beta", "_x"))


def test_tags_are_paged_by_n_and_last(hub: HubClient) -> None:
    for number in range(7):
        hub.push_image(f"t{number}")
    assert tags_of(hub, "?n=3") == ["t0", "t1", "t2"]
    assert tags_of(hub, "?n=3&last=t2") == ["t3", "t4", "t5"]
    assert tags_of(hub, "?last=t4") == ["t5", "t6"]
    assert tags_of(hub, "?last=t3x") == ["t4", "t5", "t6"]
    assert tags_of(hub, "?n=0") == []
    assert follow(hub, "tags/list?n=2", "tags") == [f"t{number}" for number in range(7)]


def test_a_page_that_ends_the_list_has_no_link(hub: HubClient) -> None:
    hub.push_image("only")
    for query in ("?n=1", "?n=5", "?n=0", ""):
        assert "link" not in hub.send("GET", "tags/list" + query).headers, query


def test_the_tags_of_an_unknown_repository_are_not_found(hub: HubClient) -> None:
    answer = hub.send("GET", "tags/list")
    assert (answer.status, code_of(answer)) == (404, "NAME_UNKNOWN")


def test_a_repository_without_tags_has_an_empty_list(hub: HubClient) -> None:
    hub.push_image()
    assert tags_of(hub) == []


@pytest.mark.parametrize("number", ["-1", "x", "NaN", "1.5", "", "%00"])
@pytest.mark.parametrize("path", ["/v2/_catalog", "tags/list"])
def test_a_page_size_that_is_no_number_is_refused(hub: HubClient, path: str, number: str) -> None:
    hub.push_image("v1")
    answer = hub.send("GET", f"{path}?n={number}")
    assert (answer.status, code_of(answer)) == (400, "PAGINATION_NUMBER_INVALID")


def test_a_huge_page_size_is_bounded(hub: HubClient) -> None:
    hub.push_image("v1")
    for path in ("/v2/_catalog", "tags/list"):
        assert hub.send("GET", f"{path}?n=99999999999999999999999").status == 200


def test_the_catalog_is_paged(tmp_path: Path) -> None:
    names = ["a", "a/b", "a-c", "library/debian", "z"]
    with running_hub(tmp_path) as address:
        hub = HubClient(address)
        for hub.name in names:
            hub.push_blob(b"x")
        assert follow(hub, "/v2/_catalog?n=2", "repositories") == sorted(names)
        assert json.loads(hub.send("GET", "/v2/_catalog").data) == {"repositories": sorted(names)}
        assert json.loads(hub.send("GET", "/v2/_catalog?n=0").data) == {"repositories": []}
        hub.close()


def refer(hub: HubClient, subject: str, kind: str, *, note: str = "") -> str:
    """Push a manifest of the artifact type `kind` about `subject`; its digest."""
    hub.push_blob(b"{}")
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": kind,
        "config": describe("application/vnd.oci.empty.v1+json", b"{}"),
        "layers": [],
        "subject": {"mediaType": MANIFEST, "digest": subject, "size": 10},
        "annotations": {"note": note},
    }
    data = json.dumps(document).encode()
    answer = hub.put(digest_of(data), data)
    assert (answer.status, answer.headers["oci-subject"]) == (201, subject)
    return digest_of(data)


def referrers(hub: HubClient, subject: str, query: str = "") -> list[dict[str, object]]:
    answer = hub.send("GET", f"referrers/{subject}{query}")
    assert (answer.status, answer.headers["content-type"]) == (200, INDEX)
    return list(json.loads(answer.data)["manifests"])


def test_referrers_are_listed_with_type_and_annotations(hub: HubClient) -> None:
    subject = hub.push_image("v1").digest
    first, second = refer(hub, subject, "text/sbom", note="one"), refer(hub, subject, "text/sig", note="two")
    found = {str(entry["digest"]): entry for entry in referrers(hub, subject)}
    assert set(found) == {first, second}
    assert found[first]["artifactType"] == "text/sbom"
    assert found[second]["annotations"] == {"note": "two"}
    assert found[first]["mediaType"] == MANIFEST


def test_referrers_are_filtered_by_type(hub: HubClient) -> None:
    subject = hub.push_image("v1").digest
    wanted = refer(hub, subject, "text/sbom+x")
    refer(hub, subject, "text/sig")
    assert [entry["digest"] for entry in referrers(hub, subject, "?artifactType=text/sbom%2Bx")] == [wanted]
    answer = hub.send("GET", f"referrers/{subject}?artifactType=none/such")
    assert answer.headers["oci-filters-applied"] == "artifactType"
    assert json.loads(answer.data)["manifests"] == []


def test_a_manifest_without_a_type_has_that_of_its_config(hub: HubClient) -> None:
    subject = digest_of(b"a subject that comes later")
    hub.push_image("about", subject={"mediaType": MANIFEST, "digest": subject, "size": 3})
    assert [entry["artifactType"] for entry in referrers(hub, subject)] == [CONFIG]


def test_what_nothing_refers_to_has_an_empty_index(hub: HubClient) -> None:
    assert referrers(hub, digest_of(b"unknown")) == []
    assert hub.send("GET", "referrers/nonsense").status == 400


def test_a_deleted_referrer_is_listed_no_more(hub: HubClient) -> None:
    subject = hub.push_image("v1").digest
    gone, kept = refer(hub, subject, "text/a"), refer(hub, subject, "text/b")
    assert hub.send("DELETE", f"manifests/{gone}").status == 202
    assert [entry["digest"] for entry in referrers(hub, subject)] == [kept]


def test_referrers_are_paged(hub: HubClient) -> None:
    subject = hub.push_image("v1").digest
    all_of_them = sorted(refer(hub, subject, "text/a", note=str(number)) for number in range(5))
    path, found = f"referrers/{subject}?n=2&artifactType=text/a", list[str]()
    while path:
        answer = hub.send("GET", path)
        found += [entry["digest"] for entry in json.loads(answer.data)["manifests"]]
        path = answer.headers.get("link", "").partition(">")[0].removeprefix("<")
    assert found == all_of_them
