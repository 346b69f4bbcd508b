"""The outputs that several flags ask for together: `--output`, `--push`, `--load`, `--annotation`, `-t`."""

from __future__ import annotations

from collections.abc import Sequence

from capas.build.exporters.annotations import parse_annotation
from capas.build.exporters.output import Output, Packing, parse_output
from capas.errors import Invalid
from capas.layer.compression import Kind
from capas.reference import Reference


def choose_outputs(
    texts: Sequence[str], *, push: bool = False, load: bool = False, annotations: Sequence[str] = ()
) -> tuple[Output, ...]:
    """The outputs, in their order. `push` sends the images among them, or is an output by itself, as `load` is.

    Raises: Invalid; Unsupported.
    """
    outputs = [parse_output(text) for text in texts]
    if push and any(output.type == "image" for output in outputs):
        outputs = [output._replace(push=True) if output.type == "image" else output for output in outputs]
    elif push:
        outputs.append(Output(store=False, push=True))
    if load and not any(output.type == "image" and output.store for output in outputs):
        outputs.append(Output())
    noted = tuple(one for text in annotations for one in parse_annotation(text))
    if noted and outputs and not any(output.is_image for output in outputs):
        raise Invalid("--annotation is for images, and none is made", hint="leave it out, or add an image output")
    outputs = outputs or [Output()]
    return tuple(
        output._replace(annotations=(*output.annotations, *noted)) if output.is_image else output for output in outputs
    )


def complete_outputs(
    outputs: Sequence[Output], names: Sequence[Reference], compression: Kind | None = None
) -> tuple[Output, ...]:
    """What an image output leaves open: its names are those of `-t`, its packing what the whole build was given."""
    return tuple(
        output._replace(names=output.names or tuple(names), packing=_packed(output.packing, compression))
        if output.is_image
        else output
        for output in outputs or (Output(),)
    )


def _packed(packing: Packing, kind: Kind | None) -> Packing:
    return packing if packing.kind or kind is None else packing._replace(kind=kind)
