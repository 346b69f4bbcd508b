"""Caches in registries, directories and images: what a machine with an empty store fetches, and what it trusts."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from capas.build.caching.document import CACHE_CONFIG, decode_config
from capas.build.caching.flags import CacheSource, CacheTarget, parse_cache_source, parse_cache_target
from capas.build.exporters.choice import choose_outputs
from capas.build.request import BuildRequest, Built
from capas.engine.engine import Engine
from capas.errors import Corrupt, Denied, Invalid, Unsupported
from capas.events import Event, Finished
from capas.image.validate import validate
from capas.oci.digest import Digest
from capas.registry.client import Client
from capas.registry.message import Request, Response
from capas.registry.transport import HttpTransport
from capas.settings import load_settings
from support.building import write_files
from support.hub import running_hub
from support.tars import make_tar

DOCKERFILE = """\
FROM {hub}/tools AS tools
COPY tool.conf /etc/tool.conf
FROM {hub}/base
COPY --from=tools /etc/tool.conf /etc/our.conf
COPY early /early
COPY late /late
"""
ZEROS = Digest("sha256:" + "0" * 64)


class Nothing:
    """An empty body."""

    def read(self, size: int = -1, /) -> bytes:
        """No bytes."""
        return b""

    def close(self) -> None:
        """Nothing to let go."""


class Machine:
    """A machine with a store of its own, whose requests are counted."""

    def __init__(self, root: Path) -> None:
        self.engine = Engine(
            load_settings({"CAPAS_ROOT": str(root / "store"), "CAPAS_RUN_ROOT": str(root / "run"), "HOME": str(root)})
        )
        self._transport = HttpTransport(self.engine.settings)
        self.engine.client = Client(self.engine.settings, transport=self)
        self.requests: list[Request] = []
        self.refuse: Callable[[Request], bool] = lambda request: False
        self.events: list[Event] = []

    def send(self, request: Request) -> Response:
        """One request, noted."""
        self.requests.append(request)
        if self.refuse(request):
            return Response(403, {}, Nothing(), request.url)
        return self._transport.send(request)

    def close(self) -> None:
        """Let connections and files go."""
        self._transport.close()
        self.engine.store.close()

    def build(self, context: Path, *flags: str, names: tuple[str, ...] = (), **wishes: object) -> Built:
        """Build with `--push`, `--cache-from …` and `--cache-to …`, written as `flag value`."""
        self.requests.clear()
        self.events.clear()
        given = [flag.partition(" ")[::2] for flag in flags]
        request = BuildRequest(
            str(context),
            outputs=choose_outputs(
                [value for flag, value in given if flag == "--output"], push=("--push", "") in given
            ),
            cache_from=tuple(parse_cache_source(value) for flag, value in given if flag == "--cache-from"),
            cache_to=tuple(parse_cache_target(value) for flag, value in given if flag == "--cache-to"),
        )._replace(**wishes)  # type: ignore[arg-type]
        return self.engine.images.build(request, tags=names, report=self.events.append)

    def fetched_blobs(self) -> set[str]:
        """The digests of the blobs that were downloaded."""
        found = (re.search(r"/blobs/(sha256:\w+)", one.url) for one in self.requests if one.method == "GET")
        return {match[1] for match in found if match}

    def redone(self) -> int:
        """How many steps of the last build were not in a cache."""
        return sum(isinstance(one, Finished) and one.text.startswith("DONE ") for one in self.events)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[str]:
    with running_hub(tmp_path / "hub") as address:
        yield address


@pytest.fixture
def context(hub: str, tmp_path: Path) -> Path:
    files = {"Dockerfile": DOCKERFILE.format(hub=hub), "tool.conf": "t", "early": "e", "late": "l"}
    return write_files(tmp_path / "context", files)


@pytest.fixture
def machines(hub: str, tmp_path: Path) -> Iterator[tuple[Machine, Machine]]:
    """One that has made the bases and pushed them, and one with nothing."""
    first, second = Machine(tmp_path / "first"), Machine(tmp_path / "second")
    for name in ("base", "tools"):
        image = first.engine.images.import_(
            io.BytesIO(make_tar({"etc": None, f"etc/{name}": name.encode() * 999})), None
        )
        first.engine.images.tag(str(image.id), f"{hub}/{name}")
        first.engine.images.push(f"{hub}/{name}")
    yield first, second
    first.close()
    second.close()


def layers_of(built: Built) -> list[str]:
    return [str(layer.descriptor.digest) for layer in built.image.layers]


@pytest.mark.parametrize("form", ["image-manifest=true", "image-manifest=false"])
def test_a_cached_push_from_an_empty_machine_fetches_no_layer(
    machines: tuple[Machine, Machine], context: Path, hub: str, form: str
) -> None:
    first, second = machines
    cache = f"type=registry,ref={hub}/cache,mode=max,{form}"
    made = first.build(context, "--push", f"--cache-to {cache}", names=(f"{hub}/app:1",))
    again = second.build(context, "--push", f"--cache-from {hub}/cache", names=(f"{hub}/app:2",))
    assert again.image.digest == made.image.digest
    assert again.cached == again.steps == 4
    assert len(second.fetched_blobs()) == 3  # the configs of two bases, and that of the cache
    assert not second.fetched_blobs() & set(layers_of(made))
    assert not [one for one in second.requests if one.method in ("POST", "PATCH")]


def test_a_change_fetches_what_its_step_stands_on_and_nothing_else(
    machines: tuple[Machine, Machine], context: Path, hub: str
) -> None:
    first, second = machines
    made = first.build(context, f"--cache-to type=registry,ref={hub}/cache,mode=max", names=("app",))
    (context / "late").write_text("changed")
    second.build(context, "--push", f"--cache-from type=registry,ref={hub}/cache", names=(f"{hub}/app",))
    assert second.redone() == 1
    documents = 3
    assert len(second.fetched_blobs()) == documents + 3  # the base and the two layers below the change
    assert set(layers_of(made)[:3]) <= second.fetched_blobs()


def test_an_image_kept_here_is_whole_and_what_was_read_is_no_cache_of_this_machine(
    machines: tuple[Machine, Machine], context: Path, hub: str
) -> None:
    first, second = machines
    made = first.build(context, f"--cache-to type=registry,ref={hub}/cache,mode=max", names=("app",))
    kept = second.build(context, f"--cache-from {hub}/cache", names=("app",))
    assert kept.image.digest == made.image.digest
    validate(second.engine.store.blobs, kept.image.digest)
    second.engine.store.collect()
    validate(second.engine.store.blobs, kept.image.digest)
    second.build(context, names=("app",))
    assert second.redone() == 4


def test_mode_min_holds_the_layers_of_the_result_alone(
    machines: tuple[Machine, Machine], context: Path, hub: str
) -> None:
    first, second = machines
    made = first.build(context, f"--cache-to type=registry,ref={hub}/cache", names=("app",))
    second.build(context, f"--cache-from {hub}/cache", names=("app",))
    assert second.redone() == 1  # the step of the other stage
    assert {one["digest"] for one in _manifest(first, f"{hub}/cache")["layers"]} == set(layers_of(made)[1:])


def test_an_image_carries_its_cache_inline(machines: tuple[Machine, Machine], context: Path, hub: str) -> None:
    first, second = machines
    made = first.build(context, "--push", "--cache-to type=inline", names=(f"{hub}/app:1",))
    assert made.image.config.inline_cache
    again = second.build(
        context, "--push", f"--cache-from {hub}/app:1", "--cache-to type=inline", names=(f"{hub}/app:2",)
    )
    assert second.redone() == 1  # the step of the other stage is not in the image
    assert again.image.digest == made.image.digest


def test_an_inline_cache_is_there_for_every_platform(
    machines: tuple[Machine, Machine], tmp_path: Path, hub: str
) -> None:
    from capas.oci.platform import Platform

    first, second = machines
    both = (Platform("linux", "amd64"), Platform("linux", "arm64"))
    text = "FROM scratch\nARG TARGETARCH\nCOPY f /$TARGETARCH\n"
    context = write_files(tmp_path / "multi", {"Dockerfile": text, "f": "x"})
    first.build(context, "--push", "--cache-to type=inline", names=(f"{hub}/app",), platforms=both)
    second.build(context, "--push", f"--cache-from {hub}/app", names=(f"{hub}/other",), platforms=both)
    assert second.redone() == 0


def test_a_directory_holds_a_cache_and_several_are_read_and_written_at_once(
    machines: tuple[Machine, Machine], context: Path, hub: str, tmp_path: Path
) -> None:
    first, second = machines
    local, cache = f"type=local,dest={tmp_path}/cache,mode=max,compression=zstd", f"type=registry,ref={hub}/cache"
    first.build(context, f"--cache-to {local}", f"--cache-to {cache}", names=("app",))
    index = json.loads((tmp_path / "cache/index.json").read_text())
    assert index["manifests"][0]["annotations"] == {"org.opencontainers.image.ref.name": "latest"}
    second.build(context, f"--cache-from {hub}/none", f"--cache-from type=local,src={tmp_path}/cache", names=("app",))
    assert second.redone() == 0
    assert any("passed over" in one.text for one in second.events if isinstance(one, Finished))
    assert not second.fetched_blobs() & {str(layer) for layer in _digests(tmp_path / "cache")}
    validate(second.engine.store.blobs, second.engine.images.get("app").digest)


def test_a_cache_that_is_not_there_costs_a_word(machines: tuple[Machine, Machine], context: Path, hub: str) -> None:
    first, _ = machines
    first.build(context, f"--cache-from {hub}/absent", "--cache-from type=local,src=/absent", names=("app",))
    assert sum(isinstance(one, Finished) and "passed over" in one.text for one in first.events) == 2


def test_an_image_without_a_cache_serves_as_none(machines: tuple[Machine, Machine], context: Path, hub: str) -> None:
    first, second = machines
    first.build(context, "--push", names=(f"{hub}/app",))
    second.engine.images.pull(f"{hub}/app", unpack=False)
    second.build(context, f"--cache-from {hub}/app", names=("app",))
    assert second.redone() == 4


def test_a_pulled_image_with_a_cache_is_none_unless_asked(
    machines: tuple[Machine, Machine], context: Path, hub: str
) -> None:
    first, second = machines
    first.build(context, "--push", "--cache-to type=inline", names=(f"{hub}/app",))
    second.engine.images.pull(f"{hub}/app", unpack=False)
    second.build(context, names=("app",))
    assert second.redone() == 4


def test_bytes_that_are_not_those_of_their_digest_end_the_build(
    machines: tuple[Machine, Machine], context: Path, tmp_path: Path
) -> None:
    first, second = machines
    made = first.build(context, f"--cache-to type=local,dest={tmp_path}/cache,mode=max", names=("app",))
    victim = tmp_path / "cache/blobs/sha256" / made.image.layers[-1].descriptor.digest.hex
    data = victim.read_bytes()
    victim.chmod(0o644)
    victim.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(Corrupt):
        second.build(context, f"--cache-from type=local,src={tmp_path}/cache", names=("app",))
    assert not second.engine.store.blobs.contains(made.image.layers[-1].descriptor.digest)
    assert [one for one in second.engine.images.list() if one.repository == "app"] == []


def test_a_layer_under_another_s_diff_id_ends_the_build(
    machines: tuple[Machine, Machine], context: Path, tmp_path: Path
) -> None:
    first, second = machines
    made = first.build(context, f"--cache-to type=local,dest={tmp_path}/cache,mode=max", names=("app",))
    _rewrite_cache(tmp_path / "cache", str(made.image.layers[-1].diff_id), str(made.image.layers[-2].diff_id))
    with pytest.raises(Corrupt):
        second.build(context, f"--cache-from type=local,src={tmp_path}/cache", names=("app",))


def test_a_broken_cache_document_is_passed_over(
    machines: tuple[Machine, Machine], context: Path, tmp_path: Path
) -> None:
    first, second = machines
    made = first.build(context, f"--cache-to type=local,dest={tmp_path}/cache,mode=max", names=("app",))
    _rewrite_cache(tmp_path / "cache", str(made.image.layers[-1].diff_id), "sha256:nonsense")
    second.build(context, f"--cache-from type=local,src={tmp_path}/cache", names=("app",))
    assert second.redone() == 4


def test_a_cache_of_another_builder_has_no_keys_of_ours() -> None:
    records = [{"digest": "sha256:" + "0" * 64, "results": [{"layer": 0, "createdAt": "2024-01-01T00:00:00Z"}]}]
    layers = [{"blob": "sha256:" + "1" * 64, "parent": -1, "annotations": {"mediaType": "x", "diffID": "y"}}]
    assert decode_config(json.dumps({"layers": layers, "records": records}).encode()) == {}


def test_a_target_that_fails_ends_the_build_unless_errors_are_to_be_passed_over(
    machines: tuple[Machine, Machine], context: Path, tmp_path: Path
) -> None:
    first, _ = machines
    (tmp_path / "file").write_text("")
    target = f"--cache-to type=local,dest={tmp_path}/file/cache"
    with pytest.raises(Exception, match="cannot use"):
        first.build(context, target, names=("app",))
    first.build(context, f"{target},ignore-error=true", names=("app",))


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("me/app", CacheSource("registry", parse_cache_source("me/app").reference)),
        ("type=registry,ref=me/app", CacheSource("registry", parse_cache_source("me/app").reference)),
        ("type=local,src=dir,tag=x", CacheSource("local", path="dir", tag="x")),
        (f"type=local,src=d,digest={ZEROS}", CacheSource("local", path="d", digest=ZEROS)),
    ],
)  # fmt: skip
def test_a_source_is_read_as_buildkit_writes_it(text: str, source: CacheSource) -> None:
    assert parse_cache_source(text) == source


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("type=gha", Unsupported, "Capas keeps no cache there"),
        ("type=s3,bucket=x", Unsupported, "Capas keeps no cache there"),
        ("type=registry", Invalid, "lacks ref="),
        ("type=local,dest=x,mode=most", Invalid, "mode is min or max"),
        ("type=inline,mode=max", Invalid, "no attribute 'mode'"),
        ("type=local,dest=x,compresion=zstd", Invalid, "no attribute 'compresion'"),
    ],
)
def test_a_target_that_cannot_be_is_refused_by_name(text: str, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind) as caught:
        parse_cache_target(text)
    assert said in str(caught.value)


def test_a_bare_name_is_a_registry_s_cache() -> None:
    assert parse_cache_target("me/app") == CacheTarget("registry", parse_cache_source("me/app").reference)


def _manifest(machine: Machine, name: str) -> dict[str, list[dict[str, str]]]:
    from capas.reference import Reference

    reference = Reference.parse(name).with_default_tag()
    found = json.loads(machine.engine.client.repository(reference).get_manifest("latest").data)
    assert found["config"]["mediaType"] == CACHE_CONFIG
    assert isinstance(found, dict)
    return found


def _digests(layout: Path) -> list[str]:
    return [f"sha256:{path.name}" for path in (layout / "blobs/sha256").iterdir()]


def _rewrite_cache(layout: Path, old: str, new: str) -> None:
    """Change the cache's config, and the manifest and index that name it: a forged cache that is whole in itself."""
    index = json.loads((layout / "index.json").read_text())
    manifest = json.loads(_blob(layout, index["manifests"][0]["digest"]))
    config = _blob(layout, manifest["config"]["digest"]).replace(old.encode(), new.encode())
    manifest["config"].update(digest=_add(layout, config), size=len(config))
    data = json.dumps(manifest).encode()
    index["manifests"][0].update(digest=_add(layout, data), size=len(data))
    (layout / "index.json").write_text(json.dumps(index))


def _blob(layout: Path, digest: str) -> bytes:
    return (layout / "blobs/sha256" / digest.removeprefix("sha256:")).read_bytes()


def _add(layout: Path, data: bytes) -> str:
    digest = Digest.of(data)
    (layout / "blobs/sha256" / digest.hex).write_bytes(data)
    return str(digest)


def test_who_may_not_push_hears_it_before_the_steps_are_done(
    machines: tuple[Machine, Machine], context: Path, hub: str
) -> None:
    first, _ = machines
    first.refuse = lambda request: "/v2/secret/" in request.url
    with pytest.raises(Denied):
        first.build(context, "--push", names=(f"{hub}/secret/app",))
    assert not [one for one in first.requests if one.method in ("POST", "PUT")]
