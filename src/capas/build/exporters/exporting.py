"""The outputs of one build, one after another: each gets what was composed, and makes of it what it is for."""

from __future__ import annotations

from collections.abc import Sequence

from capas.build.bench import Bench
from capas.build.export import Composed
from capas.build.exporters.archive import export_archive
from capas.build.exporters.exported import Attest, Exported, check_annotations, make_exported
from capas.build.exporters.files import export_local, export_tar
from capas.build.exporters.output import Output
from capas.build.ports import BuildPorts
from capas.errors import CapasError, Denied, Invalid, Unauthenticated
from capas.events import Finished, Said, Started
from capas.image.image import Image
from capas.oci.digest import Digest
from capas.oci.platform import Platform
from capas.parallel import Nursery
from capas.reference import Reference
from capas.registry.push import push


def check_outputs(outputs: Sequence[Output], platforms: Sequence[Platform], *, attested: bool = False) -> None:
    """What cannot work, said before any work. `attested`: the image stands in an index. Raises: Invalid."""
    if sum(output.to_stdout for output in outputs) > 1:
        raise Invalid("only one output can go to standard output", hint="give the others a dest=")
    for output in outputs:
        check_annotations(output.annotations, platforms, attested=attested)
        for name in output.names:
            if name.digest is not None:
                raise Invalid("an image cannot be given the name {name}: its digest is what it will be", name=name)
        if output.push and not output.names:
            raise Invalid("an image that is pushed needs a name", hint="-t NAME, or name= in the output")
        if output.type == "docker" and len(platforms) > 1:
            raise Invalid(
                "an archive of type=docker holds one platform, not {count}", count=len(platforms), hint="use type=oci"
            )


def check_pushes(bench: Bench, ports: BuildPorts, nursery: Nursery) -> None:
    """Begin to talk with the registries of a push while the steps are done: who may not push hears it before they are,
    and the connection is there when it is needed.

    Raises, in the nursery: Denied; Unauthenticated.
    """

    def ask(name: Reference) -> None:
        try:
            ports.client().repository(name).has_blob(Digest.of(b"{}"))
        except (Denied, Unauthenticated):
            raise
        except CapasError:
            pass  # it may be there when the build is done: the push will tell

    for name in dict.fromkeys(name for output in bench.request.outputs if output.push for name in output.names):
        nursery.start(ask, name)


def export(composed: Sequence[Composed], bench: Bench, ports: BuildPorts, attest: Attest | None = None) -> Exported:
    """Every output in its order; the images of the first that is one, or of a plain one that nobody keeps.

    Raises: Invalid; Exhausted; Corrupt; what a registry says.
    """
    first: Exported | None = None
    outputs = bench.request.outputs or (Output(),)
    if attest is not None and not any(output.is_image for output in outputs):
        bench.report(Said("[Warning] attestations stand beside images: files have none", stream="err"))
    for number, output in enumerate(outputs, 1):
        if output.is_image:
            exported = make_exported(composed, output, bench, attest)
            first = first or exported
        name = f"{bench.request.label} export {number}".strip()
        if output.type == "image":
            _export_image(exported, output, bench, ports)
            continue
        bench.report(Started(name, f"{output.type} {output.dest}"))
        if output.type == "local":
            export_local(composed, output, bench)
        elif output.type == "tar":
            export_tar(composed, output, output.stream or bench.request.stdout, bench)
        else:
            _bring_layers(exported, bench)
            export_archive(exported, output, output.stream or bench.request.stdout)
        bench.report(Finished(name, "DONE"))
    return first or make_exported(composed, Output(), bench, attest)


def whole_images(composed: Sequence[Composed], bench: Bench) -> Sequence[Image]:
    """What was composed as images whose blobs are all here, for who goes on with them. Raises: as `export`."""
    exported = make_exported(composed, Output(), bench)
    _bring_layers(exported, bench)
    return exported.images


def _export_image(exported: Exported, output: Output, bench: Bench, ports: BuildPorts) -> None:
    if output.store:
        _bring_layers(exported, bench)
        ports.keep(exported, output.names)
    for name in output.names if output.push else ():
        push(
            ports.client(), name, exported.top, by_digest=output.push_by_digest,
            sources=lambda digest: [*bench.blobs.repositories_of(digest), *ports.store.records.list_sources(digest)],
            report=bench.report,
        )  # fmt: skip


def _bring_layers(exported: Exported, bench: Bench) -> None:
    layers = [layer.descriptor.digest for image in exported.images for layer in image.layers]
    bench.blobs.bring_all(layers, bench.request.max_parallel)
