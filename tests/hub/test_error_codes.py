"""Each of the spec's error codes is reached, with the body that it asks for.

Spec: OCI distribution-spec 1.1, "Error Codes".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import urllib3

from capas.hub.app import create_app
from capas.hub.hub import Options
from capas.hub.people.access import Action, Identity
from support.hub import running_hub
from support.hub_client import CONFIG, LAYER, HubClient, describe, digest_of

NOWHERE = digest_of(b"nowhere")
Answer = urllib3.BaseHTTPResponse


def upload_of(hub: HubClient) -> str:
    return hub.send("POST", "blobs/uploads/").headers["location"]


def put_without_blobs(hub: HubClient) -> Answer:
    return hub.put("v1", {"schemaVersion": 2, "config": describe(CONFIG, b"?"), "layers": [describe(LAYER, b"!")]})


def span(text: str) -> dict[str, str]:
    return {"content-range": text}


CASES: dict[str, tuple[int, Callable[[HubClient], Answer]]] = {
    "BLOB_UNKNOWN": (404, lambda hub: hub.send("GET", f"blobs/{NOWHERE}")),
    "BLOB_UPLOAD_INVALID": (416, lambda hub: hub.send("PATCH", upload_of(hub), body=b"abc", headers=span("7-9"))),
    "BLOB_UPLOAD_UNKNOWN": (404, lambda hub: hub.send("PATCH", f"blobs/uploads/{'0' * 64}", body=b"abc")),
    "DIGEST_INVALID": (400, lambda hub: hub.send("PUT", f"{upload_of(hub)}?digest={NOWHERE}", body=b"something")),
    "MANIFEST_BLOB_UNKNOWN": (400, put_without_blobs),
    "MANIFEST_INVALID": (400, lambda hub: hub.put("v1", b"{}")),
    "MANIFEST_UNKNOWN": (404, lambda hub: hub.send("GET", "manifests/none")),
    "NAME_INVALID": (400, lambda hub: hub.send("GET", "/v2/UPPER/manifests/v1")),
    "NAME_UNKNOWN": (404, lambda hub: hub.send("GET", "/v2/never/pushed/tags/list")),
    "SIZE_INVALID": (400, lambda hub: hub.send("PATCH", upload_of(hub), body=b"abc", headers=span("0-9"))),
    "UNSUPPORTED": (405, lambda hub: hub.send("PATCH", "manifests/v1", body=b"{}")),
}


def check_body(answer: Answer, code: str) -> None:
    assert answer.headers["content-type"] == "application/json"
    [error] = json.loads(answer.data)["errors"]
    assert error["code"] == code
    assert error["message"]
    assert set(error) == {"code", "message", "detail"}


@pytest.mark.parametrize("code", CASES)
def test_the_code_is_reached(hub: HubClient, code: str) -> None:
    hub.push_image("there")
    status, provoke = CASES[code]
    answer = provoke(hub)
    assert answer.status == status, answer.data
    check_body(answer, code)


def test_denied_is_reached_by_who_may_read_and_not_write(tmp_path: Path) -> None:
    def read_only(_identity: Identity, _repository: str, action: Action) -> bool:
        return action == "pull"

    with running_hub(tmp_path, app=create_app(tmp_path, authorise=read_only)) as address:
        hub = HubClient(address, "app")
        answer = hub.send("POST", "blobs/uploads/")
        assert answer.status == 403
        check_body(answer, "DENIED")
        hub.close()


def test_unauthorized_is_reached_by_anybody_on_a_hub_with_accounts(tmp_path: Path) -> None:
    with running_hub(tmp_path, options=Options(open=False)) as address:
        hub = HubClient(address, "ana/app")
        answer = hub.send("GET", "manifests/v1")
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Bearer realm=")
        check_body(answer, "UNAUTHORIZED")
        hub.close()


def test_toomanyrequests_is_reached_by_whoever_guesses_passwords(tmp_path: Path) -> None:
    with running_hub(tmp_path, options=Options(open=False)) as address:
        hub = HubClient(address, "ana/app")
        for guess in range(200):
            headers = urllib3.make_headers(basic_auth=f"ana:guess {guess}")
            answer = hub.send("GET", "/v2/", headers=headers)
            if answer.status != 401:
                break
        assert answer.status == 429
        check_body(answer, "TOOMANYREQUESTS")
        assert int(answer.headers["retry-after"]) > 0
        hub.close()
