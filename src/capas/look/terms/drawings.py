"""Drawings of terms, in the letters of a terminal: from the reader's own image wherever it can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from capas.language import translate, write_bytes
from capas.look.terms.own import Own
from capas.reference import Reference

_BAR, _MOST = 24, 12


def draw(name: str, own: Own, language: str) -> list[str]:
    """The lines of a drawing. What stands in them may be anybody's text: it is for a terminal's door to tame."""
    if name in _OF_AN_IMAGE:
        return [line.rstrip() for line in _OF_AN_IMAGE[name](own, language)]
    return [line.rstrip() for line in _OF_NONE[name](language)] if name else []


def shows_image(name: str) -> bool:
    """Whether a drawing shows an image."""
    return name in _OF_AN_IMAGE


def _layers(own: Own, language: str) -> Iterator[str]:
    """A stack, the newest layer on top, its bars to scale."""
    yield f"  {own.name}"
    most = max((layer.size for layer in own.layers), default=0) or 1
    for number, layer in reversed(list(enumerate(own.layers, 1))[-_MOST:]):
        bar = "▇" * max(1, round(layer.size / most * _BAR))
        step = layer.step if len(layer.step) < 32 else layer.step[:31] + "…"
        yield f"  {number:>3}  {bar:<{_BAR}}  {write_bytes(layer.size, language):>8}  {step}"
    if len(own.layers) > _MOST:
        yield "       " + translate("and {count} more below", language).format(count=len(own.layers) - _MOST)
    yield f"       {'─' * _BAR}  scratch"


def _container(own: Own, language: str) -> Iterator[str]:
    yield f"       {'░' * _BAR}  ← " + translate("what the container writes: a layer of its own", language)
    yield from _layers(own, language)


def _reference(own: Own, language: str) -> Iterator[str]:
    """The parts of a name, each with its word below."""
    reference = Reference.parse(own.name)
    parts = [
        (translate("registry", language), reference.domain, "/"),
        (translate("repository", language), reference.path, ":"),
        (translate("tag", language), reference.tag or "latest", "@"),
        (translate("digest", language), f"sha256:{own.manifest}…", ""),
    ]
    widths = [max(len(word), len(text)) for word, text, _ in parts]
    yield "  " + " ".join(f"{text:<{width}} {mark}" for (_, text, mark), width in zip(parts, widths, strict=True))
    yield "  " + "   ".join(f"{word:<{width}}" for (word, _, _), width in zip(parts, widths, strict=True))


def _tags(own: Own, language: str) -> Iterator[str]:
    """Names and the images that they point at; those with one image beside each other."""
    shown = sorted(own.tags, key=lambda pair: pair[1])[:_MOST]
    width = max((len(name) for name, _ in shown), default=0)
    before = ""
    for name, image in shown:
        yield f"  {name:<{width}} ──▶ " + (image if image != before else translate("the same image", language))
        before = image
    if len(own.tags) > _MOST:
        yield "  " + translate("and {count} more", language).format(count=len(own.tags) - _MOST)


def _documents(own: Own, language: str) -> Iterator[str]:
    """From the name to the blobs."""
    yield f"  {own.name}"
    yield "  └─ " + translate("index", language) + f"  ({own.platform}, …)"
    yield "     └─ " + translate("manifest", language) + f"  sha256:{own.manifest}…"
    yield (
        "        ├─ "
        + translate("config", language)
        + f"  sha256:{own.image_id}…  = "
        + translate("image id", language)
    )
    for place, layer in enumerate(own.layers[:_MOST]):
        mark = "└─" if place == len(own.layers) - 1 else "├─"
        yield (f"        {mark} " + translate("layer", language)
               + f"  sha256:{layer.digest.short}…  {write_bytes(layer.size, language)}")  # fmt: skip
    if len(own.layers) > _MOST:
        yield "        └─ " + translate("and {count} more", language).format(count=len(own.layers) - _MOST)


def _ids(own: Own, language: str) -> Iterator[str]:
    yield f"  {own.name}"
    yield "  " + translate("layer", language) + "  " + f"{translate('digest', language):<21}" + "diff_id"
    for number, layer in enumerate(own.layers[:_MOST], 1):
        yield f"  {number:>4}  sha256:{layer.digest.short}…  sha256:{layer.diff_id.short}…"
    if own.layers:
        yield "  " + translate("all of them together", language) + f": chain_id sha256:{own.chain_id.short}…"


def _whiteout(language: str) -> Iterator[str]:
    yield "  2  RUN rm /tmp/big       .wh.big   (0 B)      " + translate("hides it", language)
    yield "  1  RUN make-big          big       (100 MB)   " + translate("is still there, and is fetched", language)
    yield "  ─────────────────────────────────────────────"
    yield "     " + translate("the container sees", language) + ":  /tmp/"


def _volume(language: str) -> Iterator[str]:
    container, machine = translate("container", language), translate("machine", language)
    yield f"  {container:<14} /var/lib/data ──┐"
    yield f"                               ├─▶ -v data:/var/lib/data   {translate('volume', language)} data"
    yield f"  {container:<14} /var/lib/data ──┘"
    yield f"  {container:<14} /srv/site ──────▶ -v ./site:/srv/site     {machine}: ./site"


def _port(language: str) -> Iterator[str]:
    container, machine = translate("container", language), translate("machine", language)
    yield f"  EXPOSE 80          {container} :80   ·   {machine}: –     " + translate("nobody comes in", language)
    yield f"  -p 8080:80         {container} :80  ◀──  {machine} :8080"
    yield f"  -p 127.0.0.1::80   {container} :80  ◀──  {machine} 127.0.0.1:?  " + translate("a free port", language)


def _start(own: Own, language: str) -> Iterator[str]:
    rows = (
        ("ENTRYPOINT", "CMD", "capas run IMAGE", "capas run IMAGE -x"),
        ("–", '["nginx"]', "nginx", "-x"),
        ('["git"]', '["log"]', "git log", "git -x"),
        ('["git"]', "–", "git", "git -x"),
        ("git", '["log"]', "sh -c git", "sh -c git"),
    )
    for row in rows:
        yield "  " + "".join(f"{cell:<20}" for cell in row)
    if own.command:
        yield "  " + translate("in {image}", language).format(image=own.name) + f": {own.command}"


def _context(language: str) -> Iterator[str]:
    yield "  capas build .   ──▶  ./  " + translate("the context", language)
    yield "                       ├─ Dockerfile"
    yield "                       ├─ app/         ──▶  COPY app/ /app/"
    yield "                       ├─ .git/        ✗    .dockerignore"
    yield "                       └─ ../other     ✗    " + translate("outside", language)


def _stages(language: str) -> Iterator[str]:
    yield "  FROM golang AS build     FROM debian"
    yield "  COPY . .            ┌──▶ COPY --from=build /out/app /app"
    yield '  RUN go build ───────┘    CMD ["/app"]'
    yield "  " + f"{translate('thrown away', language):<25}" + translate("the image", language)


def _cache(language: str) -> Iterator[str]:
    same, changed = translate("as before: from the cache", language), translate("changed: done again", language)
    yield f"  FROM debian                       ✓ {same}"
    yield f"  COPY requirements.txt .           ✓ {same}"
    yield f"  RUN pip install -r …              ✓ {same}"
    yield f"  COPY . .                          ✗ {changed}"
    yield "  RUN make                          ✗ " + translate("stands on what changed: done again", language)


_OF_AN_IMAGE: Mapping[str, Callable[[Own, str], Iterator[str]]] = MappingProxyType({
    "layers": _layers, "container": _container, "reference": _reference, "tags": _tags, "documents": _documents,
    "ids": _ids, "start": _start,
})  # fmt: skip
_OF_NONE: Mapping[str, Callable[[str], Iterator[str]]] = MappingProxyType({
    "whiteout": _whiteout, "volume": _volume, "port": _port, "context": _context, "stages": _stages, "cache": _cache,
})  # fmt: skip
