"""Pictures of images as files and in notebooks: what hostile names hold stays text in all of them."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image as Raster

from capas.engine.engine import Engine
from capas.errors import Invalid, Unavailable
from capas.look.palette import LIGHT
from capas.look.picture import Picture
from capas.look.shown import ShownImage
from support.changesets import file
from support.looking import make_engine, put_image

EVIL = (
    'RUN echo "</title></text><script>alert(1)</script>" \x1b[2J\u202e`"]]--> <img src=x onerror=alert(1)> #quot; \\"'
)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = make_engine(tmp_path)
    base = [file("base", b"b" * 40_000)]
    put_image(engine, "web", base, [file("web", b"w" * 20_000)], steps=["COPY base /", EVIL])
    put_image(engine, "api", base, [file("api", b"a" * 60_000)], steps=["COPY base /", "RUN make"])
    return engine


@pytest.fixture
def picture(engine: Engine) -> Picture:
    return engine.look.draw("web", "api")


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.policy = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if ("http-equiv", "Content-Security-Policy") in attrs:
            self.policy = dict(attrs)["content"] or ""


def rects(svg: bytes) -> dict[str, float]:
    """The areas of the blocks of an SVG, by the digest that each tells. Those of its key are small squares."""
    found = {}
    for rect in ET.fromstring(svg).iter(f"{SVG}rect"):
        title = rect.findtext(f"{SVG}title")
        if title and rect.get("width") != rect.get("height"):
            found[title.split(" · ")[-1]] = float(rect.get("width", 0)) * float(rect.get("height", 0))
    return found


def test_areas_in_the_svg_are_proportional_to_bytes(engine: Engine, picture: Picture) -> None:
    areas = rects(picture.draw("svg"))
    sizes = {str(step.diff_id): step.size for name in ("web", "api") for step in engine.images.history(name)}
    assert areas.keys() == sizes.keys() and len(areas) == 3
    factors = [areas[digest] / size for digest, size in sizes.items()]
    assert max(factors) / min(factors) < 1.001


def test_areas_in_the_png_are_proportional_to_bytes(engine: Engine) -> None:
    put_image(engine, "two", [file("one", b"1" * 100_000)], [file("two", b"2" * 300_000)], steps=["COPY a /", "RUN b"])
    raster = Raster.open(io.BytesIO(engine.look.draw("two").draw("png"))).convert("RGB")
    column = [raster.getpixel((30 * 2, y)) for y in range(raster.height)]
    low, high = (column.count(tuple(bytes.fromhex(LIGHT.kinds[kind][1:]))) for kind in ("base", "run"))
    assert abs(high / low - 3) < 0.2


@pytest.mark.parametrize("kind", ["svg", "html"])
def test_hostile_words_stay_words_in_svg_and_html(picture: Picture, kind: str) -> None:
    text = picture.draw(kind).decode()
    assert "<script" not in text and "<img" not in text and "\x1b" not in text and "\u202e" not in text
    assert "&lt;script&gt;" in text


def test_hostile_words_stay_in_the_labels_of_graphs(picture: Picture) -> None:
    mermaid, dot = (picture.draw(kind).decode() for kind in ("mmd", "dot"))
    assert "<script" not in mermaid and "`" not in mermaid
    node = r'  n\d+(f\d)?(\(\["|\["|\{\{")[^"]*("\]\)|"\]|"\}\})'
    assert all(re.fullmatch(rf"{node}|  n\d+ --> n\d+(f\d)?|flowchart BT", line) for line in mermaid.splitlines())
    labels = [line for line in dot.splitlines() if "label=" in line]
    assert all(re.fullmatch(r'  n\d+(f\d)? \[label="([^"\\]|\\.)*"(, shape=cds)?\];', line) for line in labels)


def test_a_page_fetches_nothing_and_runs_nothing(picture: Picture) -> None:
    page = Page(picture.draw("html").decode())
    assert "default-src 'none'" in page.policy
    assert not page.tags & {"script", "img", "link", "a", "iframe", "use", "image"}
    assert not [name for name in page.attributes if name in ("src", "href", "xlink:href") or name.startswith("on")]


def test_pictures_do_not_change_from_one_day_to_the_next(engine: Engine, picture: Picture) -> None:
    assert engine.look.draw("web", "api").draw("svg") == picture.draw("svg")


def test_a_picture_of_an_unknown_kind_names_those_that_there_are(picture: Picture, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        picture.save(tmp_path / "x.gif")
    assert "svg, png, html, mmd, dot" in caught.value.hint


def test_a_picture_is_saved_under_a_name_too(picture: Picture, tmp_path: Path) -> None:
    picture.save(str(tmp_path / "x.svg"))
    assert (tmp_path / "x.svg").read_bytes() == picture.draw("svg")


def test_a_directory_that_is_not_there_is_told(picture: Picture, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"cannot write .*No such file"):
        picture.save(tmp_path / "nowhere" / "x.svg")


def test_a_notebook_shows_an_image_and_a_picture(engine: Engine, picture: Picture) -> None:
    shown = ShownImage(engine.images.get("web"), "web")
    assert isinstance(shown.id, str) and len(rects(shown._repr_svg_().encode())) == 2
    assert "<svg" in shown._repr_html_() and "<svg" in picture._repr_html_()


def test_an_image_without_layers_is_drawn(engine: Engine) -> None:
    put_image(engine, "empty", steps=["#ENV A=1"])
    assert b"empty:latest" in engine.look.draw("empty").draw("svg")


def test_an_image_that_is_not_here_is_drawn_by_its_packed_bytes(engine: Engine, tmp_path: Path) -> None:
    archive = tmp_path / "web.tar"
    with archive.open("wb") as out:
        engine.images.save(out, ["web"])
    elsewhere = make_engine(tmp_path / "elsewhere")
    blocks = [branch.block.size for branch in elsewhere.look.draw(str(archive)).root.walk() if branch.block]
    with elsewhere.look.opened(str(archive)) as image:
        assert blocks == [layer.descriptor.size for layer in image.layers]
    assert not list(elsewhere.images.list())
