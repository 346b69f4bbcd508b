"""The pages that anybody may see: the first one, search, repositories, images, comparisons, people."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import urllib3
from playwright.sync_api import Browser, Page, expect

from capas.hub.app import App
from capas.hub.people.audit import By
from capas.hub.people.repositories import describe
from capas.hub.records.repositories import find_repository
from capas.hub.records.tables.finding import pulls, stars_by_day
from capas.hub.records.tables.images import repositories
from capas.hub.spans import DAY_NS
from support.browser import check_everywhere, check_width, open_page
from support.hub_client import HubClient
from support.hub_images import EXECUTION, WEB, Made, push_index, push_made

README = "# web\n\nServes *files*.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n![build](https://ci.example.org/x.svg)\n"
OLDER = [*WEB[:5], Made("COPY web /usr/sbin/web # buildkit", 38_000, "older"), *WEB[6:]]


@pytest.fixture(scope="module", autouse=True)
def images(app: App, address: str) -> Iterator[None]:
    """An official image with tags, one of acme's with many, a chart."""
    client = HubClient(address, "library/web")
    push_index(client, "latest")
    push_index(client, "1.27")
    push_made(client, "1.26", OLDER, execution={**EXECUTION, "Env": ["PATH=/bin", "TZ=UTC"]})
    shop = HubClient(address, "acme/shop")
    for number in range(55):
        push_made(shop, f"v{number:02}", WEB[:1])
    push_made(HubClient(address, "acme/chart"), "1.0", WEB[:1], artifactType="application/vnd.cncf.helm.config.v1+json")
    about = {"description": "A small web server", "readme": README}
    describe(app.hub.database, "library/web", about, By("test", "", app.hub.now_ns()))
    counted = repositories.update().where(repositories.c.name == "library/web").values(pulls=1_234_567, stars=7)
    app.hub.database.write(lambda db: db.execute(counted))
    today = app.hub.now_ns() // DAY_NS
    number = app.hub.database.read(lambda db: find_repository(db, "library/web"))
    days = [{"repository": number, "digest": "", "day": today - ago, "count": 100 + ago} for ago in range(40)]
    stars = [{"repository": number, "day": today - ago, "count": 7 - ago} for ago in (0, 3)]
    app.hub.database.write(lambda db: (db.execute(pulls.insert(), days), db.execute(stars_by_day.insert(), stars)))
    for one in (client, shop):
        one.close()
    yield


PAGES = {
    "home": "/",
    "search": "/search?q=web",
    "no result": "/search?q=nothing-of-the-kind",
    "repository": "/r/library/web",
    "no readme": "/r/acme/shop",
    "tags": "/r/library/web/-/tags",
    "many tags": "/r/acme/shop/-/tags?q=v0",
    "image": "/r/library/web/-/image/latest",
    "artifact": "/r/acme/chart/-/image/1.0",
    "comparison": "/r/library/web/-/compare?from=1.26&to=latest",
    "comparison form": "/r/library/web/-/compare",
    "organisation": "/u/acme",
    "missing": "/r/acme/none",
}


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_every_page_is_accessible_on_desk_and_phone_in_light_and_dark(page: Page, address: str, path: str) -> None:
    page.goto(f"http://{address}{path}")
    check_everywhere(page)


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_every_page_is_whole_in_spanish(browser: Browser, address: str, path: str) -> None:
    with open_page(browser, locale="es-ES", viewport={"width": 360, "height": 800}) as page:
        page.goto(f"http://{address}{path}")
        check_width(page)
        text = page.locator("body").inner_text().lower()
        assert not re.search(r"\b(layers|search|tags|pulls|stars|pushed|images|compare)\b", text)


def test_the_first_page_shows_official_images_and_what_is_pulled_most(page: Page, address: str) -> None:
    page.goto(f"http://{address}/")
    official = page.locator("section", has=page.get_by_role("heading", name="Official images"))
    assert official.get_by_role("link").all_inner_texts() == ["web"]
    assert "1.2M pulls" in official.inner_text()
    popular = page.locator("section", has=page.get_by_role("heading", name="Pulled most"))
    assert popular.get_by_role("link", name="acme/shop").is_visible()


def test_search_from_the_first_page_finds_the_image(page: Page, address: str) -> None:
    page.goto(f"http://{address}/")
    page.get_by_role("searchbox").fill("small server")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="web", exact=True).click()
    expect(page).to_have_url(f"http://{address}/r/library/web")


def test_results_follow_the_words_as_they_are_typed(page: Page, address: str) -> None:
    page.goto(f"http://{address}/search")
    page.get_by_role("searchbox").fill("shop")
    expect(page.get_by_role("status")).to_have_text("1 image")
    expect(page).to_have_url(re.compile(r"/search\?q=shop&"))
    assert page.evaluate("window.stayed = true")
    page.get_by_label("official").check()
    expect(page.get_by_role("status")).to_have_text("0 images")
    assert page.evaluate("window.stayed"), "the page was loaded anew"


def test_search_works_without_a_script(browser: Browser, address: str) -> None:
    with open_page(browser, java_script_enabled=False) as page:
        page.goto(f"http://{address}/search")
        page.get_by_label("official").check()
        page.get_by_label("Order").select_option("pulls")
        page.get_by_role("button", name="Search").click()
        assert page.get_by_role("heading", level=2).all_inner_texts() == ["web"]
        assert page.get_by_label("official").is_checked()
        assert page.get_by_label("Order").input_value() == "pulls"


def test_a_repository_shows_its_readme_rendered(page: Page, address: str) -> None:
    page.goto(f"http://{address}/r/library/web")
    readme = page.locator(".readme")
    assert readme.locator("em").inner_text() == "files"
    assert readme.locator("table td").all_inner_texts() == ["1", "2"]
    assert readme.get_by_role("link", name="build").get_attribute("href") == "https://ci.example.org/x.svg"
    assert readme.locator("img").count() == 0


def test_pulls_and_stars_over_time_are_a_picture_that_is_told_in_words_too(page: Page, address: str) -> None:
    page.goto(f"http://{address}/r/library/web")
    chart = page.locator("svg.chart")
    assert chart.locator("rect").count() == 60
    assert chart.locator("rect title").last.inner_html().endswith(": 100")
    assert len((chart.locator("polyline").get_attribute("points") or "").split()) == 60
    told = chart.get_attribute("aria-label") or ""
    assert told.startswith("4,780 pulls in the last 60 days, most on 20")
    assert told.endswith(": 139")


def test_a_repository_that_nobody_pulled_says_so(page: Page, address: str) -> None:
    page.goto(f"http://{address}/r/acme/chart")
    assert page.get_by_text("No pulls in the last 60 days.").is_visible()


@pytest.mark.parametrize("path", ["/search?q=wev", "/r/library/wev", "/r/wev"])
def test_a_mistyped_name_is_answered_with_what_was_meant(page: Page, address: str, path: str) -> None:
    page.goto(f"http://{address}{path}")
    page.locator(".meant").get_by_role("link", name="web").click()
    expect(page).to_have_url(f"http://{address}/r/library/web")


def test_the_pull_command_is_copied(browser: Browser, address: str) -> None:
    with open_page(browser, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.goto(f"http://{address}/r/library/web")
        page.get_by_label("podman").check()
        page.get_by_role("button", name="Copy the command").click()
        expect(page.get_by_role("button", name="Copy the command")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == f"podman pull {address}/library/web"


def test_tags_tell_their_platforms_and_which_others_are_the_same(page: Page, address: str) -> None:
    page.goto(f"http://{address}/r/library/web/-/tags")
    row = page.locator(".row", has=page.get_by_role("link", name="latest", exact=True).first).last
    text = row.inner_text()
    assert "linux/amd64" in text
    assert "linux/arm64" in text
    assert "same image as 1.27" in " ".join(text.split())


def test_tags_are_paged_and_filtered(page: Page, address: str) -> None:
    page.goto(f"http://{address}/r/acme/shop/-/tags?order=name")
    assert page.locator(".row").count() == 50
    page.get_by_role("link", name="Later").click()
    assert page.locator(".row a.strong").all_inner_texts() == [f"v{number}" for number in range(50, 55)]
    page.get_by_role("searchbox", name="Tags with these letters").fill("v1")
    expect(page.get_by_role("status")).to_have_text("10 tags")


def test_layers_are_drawn_to_scale(page: Page, address: str) -> None:
    page.goto(f"http://{address}/r/library/web/-/image/latest")
    widths = [float(one.get_attribute("width") or 0) for one in page.locator("svg.layers rect").all()]
    sizes = [one.size for one in WEB if one.size]
    assert len(widths) == len(sizes)
    assert abs(widths[0] / widths[1] - sizes[0] / sizes[1]) < 0.02
    assert "step 1 has the largest" in (page.locator("svg.layers").get_attribute("aria-label") or "")


def test_every_step_of_the_history_stands_with_what_it_added(page: Page, address: str) -> None:
    page.goto(f"http://{address}/r/library/web/-/image/latest")
    steps = page.locator(".step")
    assert steps.count() == len(WEB)
    assert "164 kB" in steps.nth(3).inner_text()
    assert steps.nth(1).inner_text().split()[1:3] == ["LABEL", "maintainer=The"]
    assert "B" not in steps.nth(7).inner_text().split()[-1]
    steps.nth(3).locator("summary").first.click()
    assert "rm -rf /var/lib/apt/lists" in steps.nth(3).locator("pre").inner_text()


def test_every_step_is_explained_in_the_readers_language(page: Page, address: str) -> None:
    page.goto(f"http://{address}/r/library/web/-/image/latest")
    packages = page.locator(".step").nth(3)
    packages.get_by_text("What it does").click()
    assert "installs the packages ca-certificates, libpcre2-8-0 and zlib1g with apt-get" in packages.inner_text()
    assert "zlib1g" in packages.locator(".means code").all_inner_texts()
    page.goto(f"http://{address}/r/library/web/-/image/latest?lang=es")
    opened = page.locator(".step").nth(6)
    opened.get_by_text("Qué hace").click()
    assert "Crea el directorio /srv si no existe" in opened.inner_text()


def test_layers_that_other_tags_have_too_are_marked(page: Page, address: str) -> None:
    page.goto(f"http://{address}/r/library/web/-/image/1.26")
    steps = page.locator(".step")
    assert "other images here have it too" in steps.nth(0).inner_text()
    assert "other images here have it too" not in steps.nth(5).inner_text()


def test_the_configuration_is_shown(page: Page, address: str) -> None:
    page.goto(f"http://{address}/r/library/web/-/image/latest")
    text = page.locator("section", has=page.get_by_role("heading", name="Configuration")).inner_text()
    for expected in (
        "/docker-entrypoint.sh",
        "daemon off;",
        "80/tcp",
        "/var/cache/web",
        "/srv",
        "WEB_VERSION",
        "SIGQUIT",
    ):
        assert expected in text
    assert page.get_by_role("link", name="https://git.example.org/web/image").is_visible()


def test_another_platform_of_an_index_is_chosen(page: Page, address: str) -> None:
    page.goto(f"http://{address}/r/library/web/-/image/latest")
    before = page.locator("dd code").last.inner_text()
    page.get_by_role("link", name="linux/arm64").click()
    assert page.get_by_role("link", name="linux/arm64").get_attribute("aria-current") == "true"
    assert page.locator("dd code").last.inner_text() != before


def test_statements_about_an_image_are_listed(page: Page, address: str) -> None:
    page.goto(f"http://{address}/r/library/web/-/image/latest")
    assert "SBOM (SPDX)" in page.locator("section", has=page.get_by_role("heading", name="What is said")).inner_text()
    page.goto(f"http://{address}/r/library/web/-/image/1.26")
    assert "No bill of materials" in page.locator("main").inner_text()


def test_an_image_is_shown_by_its_digest_too(page: Page, address: str) -> None:
    digest = HubClient(address, "library/web").send("HEAD", "manifests/1.26").headers["docker-content-digest"]
    page.goto(f"http://{address}/r/library/web/-/image/{digest}")
    assert page.locator(".step").count() == len(OLDER)
    assert f"pull {address}/library/web@{digest}" in page.locator(".for-docker").inner_text()


def test_two_tags_are_compared_by_layers_and_configuration(page: Page, address: str) -> None:
    page.goto(f"http://{address}/r/library/web/-/image/1.26")
    page.get_by_label("Another tag", exact=True).select_option("latest")
    page.get_by_role("button", name="Compare").click()
    text = page.locator("main").inner_text()
    assert "Only in 1.26" in text
    assert page.locator(".sums dd").all_inner_texts() == ["448 kB", "38.0 kB", "41.0 kB"]
    changes = page.locator(".changes").inner_text().split()
    assert changes == ["Environment", "PATH", "/bin", EXECUTION["Env"][0][5:], "Environment", "TZ", "UTC",
                       "Environment", "WEB_VERSION", "1.27.2"]  # fmt: skip


def test_a_tag_compared_with_itself_differs_in_nothing(page: Page, address: str) -> None:
    page.goto(f"http://{address}/r/library/web/-/compare?from=latest&to=1.27")
    assert "Both run the same" in page.locator(".notice").inner_text()


def test_an_artifact_is_told_from_an_image(page: Page, address: str) -> None:
    page.goto(f"http://{address}/r/acme/chart/-/image/1.0")
    assert "an artifact of type application/vnd.cncf.helm.config.v1+json" in page.locator("main").inner_text()


def test_an_organisations_page_lists_its_images(page: Page, address: str) -> None:
    page.goto(f"http://{address}/u/acme")
    assert page.get_by_role("heading", level=3).all_inner_texts() == ["acme/chart", "acme/shop"]


@pytest.mark.parametrize(
    "path",
    [
        "/r/none",
        "/r/acme/none/-/tags",
        "/r/library/web/-/image/none",
        "/r/library/web/-/compare?from=none&to=latest",
        "/u/nobody",
        "/r/library/web/-/image/sha256:00",
        "/r/library/web/-/nothing",
        "/r/%00",
        "/r/library/web/",
    ],
)
def test_what_is_not_there_is_not_found(address: str, path: str) -> None:
    assert urllib3.request("GET", f"http://{address}{path}").status == 404
