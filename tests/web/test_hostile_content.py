"""R12: whatever somebody writes into an image or a README is shown as text, and does nothing in a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

from capas.hub.app import App
from capas.hub.people.audit import By
from capas.hub.people.repositories import describe
from support.browser import check_page, check_width, open_page
from support.hub_client import INDEX, MANIFEST, HubClient, digest_of
from support.hub_images import Made, push_made

SCRIPT = "</code></script></style></textarea></title>--><script>window.hacked=1;alert(1)</script>"
PICTURE = '"\'><img src=x onerror="window.hacked=1;alert(2)"><svg onload="window.hacked=1;alert(3)">'
TEMPLATE = "{{ 7*191 }}{% raw %}${7*191}#{7*191}<%= 7*191 %>"
TURNED = "\u202egnp.exe\u202c \u2066x\u2069 \x1b[31mred\x07 \u200bzero\ufeff"
ENTITY = "&lt;script&gt;alert(4)&lt;/script&gt; &#x3c;img src=x onerror=alert(4)&#x3e;"
PAYLOADS = (SCRIPT, PICTURE, TEMPLATE, TURNED, ENTITY)
ALL = " ".join(PAYLOADS)
LINKS = {
    "org.opencontainers.image.url": "javascript:alert(5)",
    "org.opencontainers.image.source": 'https://example.org/" onmouseover="alert(6)',
    "org.opencontainers.image.documentation": "https://user:pass@example.org/",
    "org.opencontainers.image.vendor": "data:text/html,<script>alert(7)</script>",
    "org.opencontainers.image.title": "https://еxample.org/",
    "good": "https://example.org/a?b=c&d=<e>",
}
CHECK = """() => ({
  hacked: window.hacked ?? null,
  scripts: [...document.scripts].filter(one => one.text || !one.src.startsWith(location.origin)).length,
  handlers: [...document.querySelectorAll('*')]
    .filter(one => [...one.attributes].some(held => held.name.startsWith('on'))).length,
  pictures: [...document.images].filter(one => !one.src.startsWith(location.origin + '/static/')).length,
  links: [...document.links].filter(one => !['http:', 'https:', 'mailto:'].includes(one.protocol)).length,
  frames: document.querySelectorAll('iframe, object, embed, base, meta[http-equiv]').length,
  hidden: /[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u200b\\u202a-\\u202e\\u2066-\\u2069\\ufeff]/
    .test(document.documentElement.outerHTML),
})"""
NOTHING = {"hacked": None, "scripts": 0, "handlers": 0, "pictures": 0, "links": 0, "frames": 0, "hidden": False}

HISTORY = [
    Made(ALL),
    Made(f"RUN /bin/sh -c {ALL} # buildkit", 900, "a"),
    Made(f"COPY {PICTURE} /", 500, "b"),
    Made("x" * 50_000, 10, "c"),
]
EXECUTION: dict[str, Any] = {
    "User": ALL,
    "WorkingDir": ALL,
    "StopSignal": PICTURE,
    "Entrypoint": [*PAYLOADS],
    "Cmd": [*PAYLOADS],
    "Shell": [*PAYLOADS],
    "OnBuild": [*PAYLOADS],
    "Env": [f"{one}={one}" for one in PAYLOADS] + ["NOVALUE", "=", ""],
    "ExposedPorts": {one: {} for one in PAYLOADS},
    "Volumes": {one: {} for one in PAYLOADS},
    "Healthcheck": {"Test": [*PAYLOADS]},
    "Labels": {**LINKS, **{one: one for one in PAYLOADS}},
}


@pytest.fixture(scope="module", autouse=True)
def images(app: App, address: str) -> Iterator[None]:
    client = HubClient(address, "evil/image")
    push_made(client, "latest", HISTORY, execution=EXECUTION, annotations={ALL: ALL})
    changed = {**EXECUTION, "Env": [f"{one}={one}!" for one in PAYLOADS], "User": PICTURE, "Labels": {}}
    push_made(client, "other", [*HISTORY[:1], Made(SCRIPT, 700, "d")], execution=changed)
    long = [Made("base", 9, "s"), *(Made(f"ENV A={n}") for n in range(2002))]
    huge = {
        "Labels": {f"l{n}": "v" * 300 for n in range(3000)},
        "Env": ["A=" + "B" * 500_000],
        "Cmd": ["c"] * 5000,
        "Entrypoint": ["W" * 100_000],
    }
    push_made(client, "huge", long, execution=huge)
    push_artifact(client)
    push_evil_index(client)
    about = {
        "description": ALL,
        "readme": f"# {ALL}\n\n{ALL}\n\n[x](javascript:alert(8)) ![y](https://evil.example/p.png)\n",
    }
    describe(app.hub.database, "evil/image", about, By("test", "", app.hub.now_ns()))
    client.close()
    yield


def push_artifact(client: HubClient) -> None:
    digest = push_made(client, "chart", [Made("x", 30, "e")], artifactType=PICTURE)
    document = json.loads(client.send("GET", f"manifests/{digest}").data)
    document["layers"][0]["annotations"] = {"org.opencontainers.image.title": ALL}
    document["layers"][0]["mediaType"] = PICTURE
    assert client.put("chart", document).status == 201
    subject = {
        "mediaType": MANIFEST,
        "digest": digest_of(json.dumps(document).encode()),
        "size": len(json.dumps(document)),
    }
    document.update(subject=subject, artifactType=SCRIPT)
    assert client.put("signature", document).status == 201


def push_evil_index(client: HubClient) -> None:
    entries = []
    for architecture in (PICTURE, SCRIPT):
        image = push_made(client, "", [Made("x", 30, architecture)])
        size = len(client.send("GET", f"manifests/{image}").data)
        entries.append({"mediaType": MANIFEST, "digest": image, "size": size,
                        "platform": {"os": "linux", "architecture": architecture, "variant": TURNED}})  # fmt: skip
    document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries, "annotations": {ALL: ALL}}
    assert client.put("index", document, INDEX).status == 201


PAGES = {
    "home": "/",
    "search": "/search?q=image",
    "namespace": "/u/evil",
    "repository": "/r/evil/image",
    "tags": "/r/evil/image/-/tags",
    "image": "/r/evil/image/-/image/latest",
    "huge": "/r/evil/image/-/image/huge",
    "artifact": "/r/evil/image/-/image/chart",
    "index": "/r/evil/image/-/image/index",
    "comparison": "/r/evil/image/-/compare?from=latest&to=other",
}


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_nothing_that_somebody_wrote_acts_on_a_page(page: Page, address: str, path: str) -> None:
    page.goto(f"http://{address}{path}")
    assert page.evaluate(CHECK) == NOTHING
    assert "1337" not in page.locator("body").inner_text()
    page.set_viewport_size({"width": 360, "height": 800})
    check_width(page)
    if "huge" not in path:
        check_page(page)


ADDRESSES = [
    "/search?q={0}",
    "/search?order={0}&platform={0}&days={0}&page={0}",
    "/r/evil/image/-/tags?q={0}",
    "/r/evil/image/-/image/{0}",
    "/r/evil/image/-/image/index?platform={0}",
    "/r/evil/image/-/compare?from={0}&to={0}",
    "/r/{0}",
    "/u/{0}",
    "/?lang={0}&theme={0}&x={0}",
]


@pytest.mark.parametrize("template", ADDRESSES)
def test_nothing_in_an_address_acts(page: Page, address: str, template: str) -> None:
    for payload in PAYLOADS:
        page.goto(f"http://{address}{template.format(quote(payload, safe=''))}")
        assert page.evaluate(CHECK) == NOTHING


def test_what_was_written_is_read_as_it_was_written(page: Page, address: str) -> None:
    page.goto(f"http://{address}/r/evil/image/-/image/latest")
    labels = page.locator("dl.tight").last.inner_text()
    assert "<script>window.hacked=1;alert(1)</script>" in labels
    assert "{{ 7*191 }}" in labels
    assert "⟨U+202E⟩gnp.exe⟨U+202C⟩" in labels
    assert "⟨U+001B⟩[31mred⟨U+0007⟩" in labels
    assert "&lt;script&gt;" in labels


def test_only_addresses_of_the_web_become_links(page: Page, address: str) -> None:
    page.goto(f"http://{address}/r/evil/image/-/image/latest")
    links = page.locator("dl.tight a")
    assert [one.get_attribute("href") for one in links.all()] == [LINKS["good"]]
    assert links.first.get_attribute("rel") == "nofollow noopener noreferrer ugc"


def test_huge_values_are_cut_and_long_lists_end(page: Page, address: str) -> None:
    answer = page.goto(f"http://{address}/r/evil/image/-/image/huge")
    assert answer is not None
    assert len(answer.body()) < 1_000_000
    text = page.locator("main").inner_text()
    assert "and 1703 more" in text  # steps
    assert "and 2700 more" in text  # labels


def test_the_page_does_nothing_either_where_a_browser_has_no_script(browser: Browser, address: str) -> None:
    with open_page(browser, java_script_enabled=False) as page:
        page.goto(f"http://{address}/r/evil/image")
        assert "<script>window.hacked=1" in page.locator(".lead").inner_text()


def test_the_fence_of_the_policy_holds_even_where_text_would_get_out(page: Page, address: str) -> None:
    """Were a payload ever put into a page as it is, the browser would not run it."""
    page.goto(f"http://{address}/r/evil/image")
    policy = page.evaluate("fetch(location.href).then(answer => answer.headers.get('content-security-policy'))")
    assert "unsafe" not in policy
    assert "script-src 'self';" in policy
