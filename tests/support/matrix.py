"""What each route of the hub needs: a row for each, by which the matrix of rights (SECURITY-CASES R1) is walked.

A new route has no row, and then a test says so. `need` is who may:

    a role         in the repository ({repo}) or organisation ({org}) that the path names; what readers may, anybody may
                   where it is public
    "anybody"      with an account or none, of whatever the path names
    "person"       anybody who is logged in
    "self"         the person that the path names ({user}), and administrators
    "self alone"   that person, and nobody else
    "admin"        administrators

`lists`: the answer names what the asker may know of, and nothing else. `body` makes the request succeed where it may.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from support.hub_client import MANIFEST
from support.people import PASSWORD
from support.town import LAYER_DATA, LAYER_DIGEST, MANIFEST_DIGEST, OTHER_DOCUMENT

UPLOAD = "0" * 64  # an upload that nobody began: for who may push it is unknown


class Row(NamedTuple):
    """One route, and a request for it."""

    method: str
    path: str  # as the routing table has it
    need: str
    ask: str = ""  # as it is asked for, where that is more than the table's parts filled in
    body: bytes | dict[str, Any] | str = b""
    headers: Mapping[str, str] = MappingProxyType({})
    lists: bool = False
    unknown: bool = False  # who may gets a 404 all the same: there is no such upload

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def _numbered(path: str) -> str:
    return path.replace("{number:int}", "1").replace("{delivery:int}", "1")


_PULL = [
    Row("GET", "manifest", "reader", "/v2/{repo}/manifests/v1"),
    Row("HEAD", "manifest", "reader", f"/v2/{{repo}}/manifests/{MANIFEST_DIGEST}"),
    Row("GET", "blob", "reader", f"/v2/{{repo}}/blobs/{LAYER_DIGEST}"),
    Row("HEAD", "blob", "reader", f"/v2/{{repo}}/blobs/{LAYER_DIGEST}"),
    Row("GET", "tags", "reader", "/v2/{repo}/tags/list"),
    Row("GET", "referrers", "reader", f"/v2/{{repo}}/referrers/{MANIFEST_DIGEST}"),
]
_PUSH = [
    Row("PUT", "manifest", "writer", "/v2/{repo}/manifests/v1", OTHER_DOCUMENT, {"content-type": MANIFEST}),
    Row("DELETE", "manifest", "maintainer", "/v2/{repo}/manifests/v1"),
    Row("DELETE", "blob", "maintainer", f"/v2/{{repo}}/blobs/{LAYER_DIGEST}"),
    Row("POST", "uploads", "creator", f"/v2/{{repo}}/blobs/uploads/?digest={LAYER_DIGEST}", LAYER_DATA),
    Row("GET", "upload", "creator", f"/v2/{{repo}}/blobs/uploads/{UPLOAD}", unknown=True),
    Row("PATCH", "upload", "creator", f"/v2/{{repo}}/blobs/uploads/{UPLOAD}", b"x", unknown=True),
    Row("PUT", "upload", "creator", f"/v2/{{repo}}/blobs/uploads/{UPLOAD}?digest={LAYER_DIGEST}", unknown=True),
    Row("DELETE", "upload", "creator", f"/v2/{{repo}}/blobs/uploads/{UPLOAD}", unknown=True),
]
DISTRIBUTION = [
    Row("GET", "ping", "person", "/v2/"),
    Row("HEAD", "ping", "person", "/v2/"),
    Row("GET", "catalog", "person", "/v2/_catalog", lists=True),
    *_PULL,
    *_PUSH,
]

API = [
    Row("GET", "/me", "anybody"),
    Row("GET", "/search", "anybody", "/search?q=acme", lists=True),
    Row("GET", "/digests/{digest}", "anybody", f"/digests/{MANIFEST_DIGEST}", lists=True),
    Row("GET", "/repositories/{name:path}", "reader", "/repositories/{repo}"),
    Row("GET", "/tags/{name:path}", "reader", "/tags/{repo}"),
    Row("GET", "/counts/{name:path}", "reader", "/counts/{repo}"),
    Row("PUT", "/stars/{name:path}", "reader person", "/stars/{repo}"),
    Row("DELETE", "/stars/{name:path}", "reader person", "/stars/{repo}"),
    Row("PATCH", "/repositories/{name:path}", "maintainer", "/repositories/{repo}", {"description": "new"}),
    Row("DELETE", "/repositories/{name:path}", "owner", "/repositories/{repo}"),
    Row("PUT", "/visibility/{name:path}", "owner", "/visibility/{repo}", {"is_public": True}),
    Row("PUT", "/names/{name:path}", "owner", "/names/{repo}", {"name": "acme/moved"}),
    Row("GET", "/grants/{name:path}", "owner", "/grants/{repo}"),
    Row("PUT", "/grants/{name:path}", "owner", "/grants/{repo}", {"kind": "user", "name": "other", "role": "reader"}),
    Row("DELETE", "/grants/{name:path}", "owner", "/grants/{repo}?kind=user&name=creator", unknown=True),
    Row("GET", "/users", "admin"),
    Row("POST", "/users", "admin", "", {"name": "newcomer", "password": PASSWORD}),
    Row("GET", "/users/{name}", "person", "/users/{user}"),
    Row("PATCH", "/users/{name}", "self", "/users/{user}", {"display_name": "Other"}),
    Row("DELETE", "/users/{name}", "admin", "/users/{user}"),
    Row("PUT", "/users/{name}/standing", "admin", "/users/{user}/standing", {"is_admin": True}),
    Row("PUT", "/users/{name}/password", "self", "/users/{user}/password", {"old": PASSWORD, "new": PASSWORD + "!"}),
    Row("PUT", "/users/{name}/name", "admin", "/users/{user}/name", {"name": "another"}),
    Row("GET", "/users/{name}/tokens", "self", "/users/{user}/tokens"),
    Row("POST", "/users/{name}/tokens", "self alone", "/users/{user}/tokens", {"name": "new"}),
    Row("DELETE", "/users/{name}/tokens/{token}", "self", "/users/{user}/tokens/all"),
    Row("GET", "/organisations", "person"),
    Row("POST", "/organisations", "a person", "", {"name": "apex"}),
    Row("GET", "/organisations/{name}", "person", "/organisations/{org}"),
    Row("PATCH", "/organisations/{name}", "owner", "/organisations/{org}", {"display_name": "Acme"}),
    Row("DELETE", "/organisations/{name}", "owner", "/organisations/{org}?repositories=true"),
    Row("PUT", "/organisations/{name}/name", "owner", "/organisations/{org}/name", {"name": "apex"}),
    Row("GET", "/organisations/{name}/members", "reader", "/organisations/{org}/members"),
    Row(
        "PUT", "/organisations/{name}/members/{user}", "owner", "/organisations/{org}/members/other", {"role": "reader"}
    ),
    Row("DELETE", "/organisations/{name}/members/{user}", "owner", "/organisations/{org}/members/deactivated"),
    Row("GET", "/organisations/{name}/teams", "reader", "/organisations/{org}/teams"),
    Row("POST", "/organisations/{name}/teams", "owner", "/organisations/{org}/teams", {"name": "ops"}),
    Row("DELETE", "/organisations/{name}/teams/{team}", "owner", "/organisations/{org}/teams/devs"),
    Row("GET", "/organisations/{name}/teams/{team}/people", "reader", "/organisations/{org}/teams/devs/people"),
    Row(
        "PUT",
        "/organisations/{name}/teams/{team}/people/{user}",
        "owner",
        "/organisations/{org}/teams/devs/people/other",
    ),
    Row(
        "DELETE",
        "/organisations/{name}/teams/{team}/people/{user}",
        "owner",
        "/organisations/{org}/teams/devs/people/other",
        unknown=True,
    ),
    Row("GET", "/robots/{namespace}", "owner", "/robots/{org}"),
    Row(
        "POST",
        "/robots/{namespace}",
        "owner",
        "/robots/{org}",
        {"name": "new", "scopes": [{"repositories": "acme/*", "role": "reader"}]},
    ),
    Row("DELETE", "/robots/{namespace}/{robot}", "owner", "/robots/{org}/ci"),
    Row("GET", "/audit", "owner", "/audit?namespace={org}"),
]

HUB_SHAPES = [
    Row("GET", "/v1/_ping", "anybody"),
    Row("GET", "/v1/search", "anybody", "/v1/search?q=acme", lists=True),
    Row("GET", "/v2/search/repositories", "anybody", "/v2/search/repositories?query=acme", lists=True),
    *(
        row
        for base in ("/v2/repositories/{namespace}", "/v2/namespaces/{namespace}/repositories")
        for at in (base.replace("{namespace}/repositories", "acme/repositories").replace("{namespace}", "acme"),)
        for row in (
            Row("GET", base, "anybody", at, lists=True),
            Row("GET", base + "/{name:path}", "reader", at + "/{last}"),
            Row("GET", base + "/{name:path}/tags", "reader", at + "/{last}/tags"),
            Row("GET", base + "/{name:path}/tags/{tag}", "reader", at + "/{last}/tags/v1"),
        )
    ),
]

PAGES = [
    Row("GET", "/", "anybody", lists=False),
    Row("GET", "/search", "anybody", "/search?q=acme", lists=True),
    Row("GET", "/u/{name}", "anybody", "/u/acme", lists=True),
    Row("GET", "/r/{name:path}", "reader", "/r/{repo}"),
    Row("GET", "/r/{name:path}/-/tags", "reader", "/r/{repo}/-/tags"),
    Row("GET", "/r/{name:path}/-/image/{reference}", "reader", "/r/{repo}/-/image/v1"),
    Row("GET", "/r/{name:path}/-/compare", "reader", "/r/{repo}/-/compare"),
    Row("POST", "/r/{name:path}/-/star", "reader person", "/r/{repo}/-/star", "star=1"),
]

_CREATE = "name=newcomer&password=correct+horse+battery"
PAGES += [
    Row("GET", "/settings", "a person"),
    Row("POST", "/settings", "a person", "/settings", "do=profile&email=&display_name=Me"),
    Row("GET", "/settings/tokens", "a person"),
    Row("POST", "/settings/tokens", "a person", "/settings/tokens", "do=create&name=new"),
    Row("GET", "/settings/organisations", "a person"),
    Row("POST", "/settings/organisations", "a person", "/settings/organisations", "name=apex"),
    Row("GET", "/u/{name}/-/members", "reader", "/u/{org}/-/members"),
    Row("POST", "/u/{name}/-/members", "owner", "/u/{org}/-/members", "do=set&user=other&role=reader"),
    Row("GET", "/u/{name}/-/teams", "reader", "/u/{org}/-/teams"),
    Row("POST", "/u/{name}/-/teams", "owner", "/u/{org}/-/teams", "do=create&team=ops"),
    Row("GET", "/u/{name}/-/robots", "owner", "/u/{org}/-/robots"),
    Row("POST", "/u/{name}/-/robots", "owner", "/u/{org}/-/robots", "do=create&name=new&role=reader"),
    Row("GET", "/u/{name}/-/settings", "owner", "/u/{org}/-/settings"),
    Row("POST", "/u/{name}/-/settings", "owner", "/u/{org}/-/settings", "do=delete&confirm=acme&repositories=yes"),
    Row("GET", "/u/{name}/-/audit", "owner", "/u/{org}/-/audit"),
    Row("GET", "/r/{name:path}/-/settings", "maintainer", "/r/{repo}/-/settings"),
    Row("POST", "/r/{name:path}/-/settings", "owner", "/r/{repo}/-/settings", "do=visibility&visibility=public"),
    Row("GET", "/admin/users", "admin"),
    Row("POST", "/admin/users", "admin", "/admin/users", _CREATE),
    Row("GET", "/admin/users/{name}", "admin", "/admin/users/{user}"),
    Row("POST", "/admin/users/{name}", "admin", "/admin/users/{user}", "do=standing&is_admin=yes&is_active=yes"),
    Row("GET", "/admin/storage", "admin"),
    Row("POST", "/admin/storage", "admin"),
    Row("GET", "/admin/audit", "admin"),
]

# rules of replication, which only administrators know: none is called so
_RULE = {"direction": "push", "registry": "https://registry.example"}
API += [
    Row("GET", "/upstreams", "admin"),
    Row("GET", "/replications", "admin"),
    Row("POST", "/replications", "admin", "/replications", {"name": "mirror", **_RULE}),
    Row("GET", "/replications/{name}", "admin", "/replications/none", unknown=True),
    Row("PUT", "/replications/{name}", "admin", "/replications/none", _RULE, unknown=True),
    Row("DELETE", "/replications/{name}", "admin", "/replications/none", unknown=True),
    Row("POST", "/replications/{name}/runs", "admin", "/replications/none/runs", unknown=True),
    Row("GET", "/replications/{name}/runs", "admin", "/replications/none/runs", unknown=True),
    Row("GET", "/replications/{name}/runs/{number:int}", "admin", "/replications/none/runs/1", unknown=True),
]
_RULE_FORM = "name=mirror&direction=push&registry=https://registry.example&repositories=*&tags=*"
PAGES += [
    Row("GET", "/admin/upstreams", "admin"),
    Row("GET", "/admin/replications", "admin"),
    Row("GET", "/admin/replications/-/new", "admin"),
    Row("POST", "/admin/replications/-/new", "admin", "/admin/replications/-/new", _RULE_FORM),
    Row("GET", "/admin/replications/{name}", "admin", "/admin/replications/none", unknown=True),
    Row("POST", "/admin/replications/{name}", "admin", "/admin/replications/none", _RULE_FORM, unknown=True),
    Row("POST", "/admin/replications/{name}/run", "admin", "/admin/replications/none/run", unknown=True),
    Row("POST", "/admin/replications/{name}/remove", "admin", "/admin/replications/none/remove", unknown=True),
    Row(
        "GET", "/admin/replications/{name}/runs/{number:int}", "admin", "/admin/replications/none/runs/1", unknown=True
    ),
]

# rules and webhooks of repositories and of namespaces, for their owners; there is no webhook yet
_HOOK = {"name": "ci", "url": "https://ci.example/hook", "events": ["push"]}
_HOOKS = [
    ("GET", "/webhooks/{number:int}", b"", True),
    ("PUT", "/webhooks/{number:int}", _HOOK, True),
    ("DELETE", "/webhooks/{number:int}", b"", True),
    ("GET", "/webhooks/{number:int}/deliveries", b"", True),
    ("POST", "/webhooks/{number:int}/deliveries/{delivery:int}", b"", True),
    ("POST", "/webhooks/{number:int}/secrets", b"", True),
    ("POST", "/webhooks/{number:int}/tests", b"", True),
    ("GET", "/webhooks", b"", False),
    ("POST", "/webhooks", _HOOK, False),
    ("GET", "/immutable-tags", b"", False),
    ("PUT", "/immutable-tags", {"patterns": ["v*"]}, False),
    ("GET", "/retention", b"", False),
    ("PUT", "/retention", {"rules": [{"newest": 3}]}, False),
    ("DELETE", "/retention", b"", False),
]
API += [
    Row(method, path + "/{kind}/{name:path}", "owner", _numbered(path) + whose, body, unknown=unknown)
    for method, path, body, unknown in _HOOKS
    for whose in ("/repositories/{repo}", "/namespaces/{org}")
]
API += [
    Row("GET", "/retention-plans/{name:path}", "owner", "/retention-plans/{repo}"),
    Row("PUT", "/retention-plans/{name:path}", "owner", "/retention-plans/{repo}", {"rules": [{"newest": 3}]}),
    Row("POST", "/retention-plans/{name:path}", "owner", "/retention-plans/{repo}"),
    Row("GET", "/quotas/{name}", "reader", "/quotas/{org}"),
    Row("PUT", "/quotas/{name}", "admin", "/quotas/{org}", {"limit_bytes": 10**9}),
]

# where one is logged in, and links by which others come in
API += [
    Row("GET", "/sessions", "a person"),
    Row("DELETE", "/sessions/{id}", "a person", "/sessions/0123456789abcdef", unknown=True),
    Row("POST", "/links", "admin", "/links", {}),
]
PAGES += [
    Row("GET", "/settings/sessions", "a person"),
    Row("POST", "/settings/sessions", "a person", "/settings/sessions", "id=0123456789abcdef", unknown=True),
    Row("GET", "/admin/links", "admin"),
    Row("POST", "/admin/links", "admin", "/admin/links", "name="),
]

PAGES += [
    row
    for page, mark in (("/r/{name:path}", "/r/{repo}"), ("/u/{name}", "/u/{org}"))
    for row in (
        Row("GET", page + "/-/rules", "owner", mark + "/-/rules"),
        Row("POST", page + "/-/rules", "owner", mark + "/-/rules", "do=patterns&patterns=v*"),
        Row("GET", page + "/-/webhooks", "owner", mark + "/-/webhooks"),
        Row("POST", page + "/-/webhooks", "owner", mark + "/-/webhooks", "name=ci&url=https://ci.example/&events=push"),
        Row("GET", page + "/-/webhooks/{number:int}", "owner", mark + "/-/webhooks/1", unknown=True),
        Row("POST", page + "/-/webhooks/{number:int}", "owner", mark + "/-/webhooks/1", "do=remove", unknown=True),
    )
]

# routes that stand before any right, where everybody is nobody yet: tests of their own say what they do
OPEN_DOORS = frozenset({
    "/token", "/static/{name}", "/login", "/logout", "/link/{secret}", "/login/oidc/{provider}",
    "/login/oidc/{provider}/back",
})  # fmt: skip


def every_route() -> Iterator[tuple[str, str, str]]:
    """Door, method and path of each route that the hub's own tables have."""
    from starlette.routing import Route

    from capas.hub import site
    from capas.hub.api.all import OPERATIONS
    from capas.hub.app import _HANDLERS

    for kind, methods in _HANDLERS.items():
        yield from (("distribution", method, kind) for method in methods)
    for one in OPERATIONS:
        yield "api", one.method, one.path
    for route in site._gather():
        if isinstance(route, Route) and route.path not in OPEN_DOORS:
            methods = (route.methods or {"GET"}) - {"HEAD"}
            yield from (("site", method, route.path.rstrip("/") or "/") for method in methods)


def every_row() -> Iterator[tuple[str, Row]]:
    """Each row, with its door."""
    yield from (("distribution", row) for row in DISTRIBUTION)
    yield from (("api", row) for row in API)
    yield from (("site", row) for row in (*HUB_SHAPES, *PAGES))
