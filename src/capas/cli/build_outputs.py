"""The flags of `capas build` about what comes out of it and where its cache is kept."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from capas.errors import Invalid
from capas.oci.platform import Platform
from capas.store.disk import disk_errors

if TYPE_CHECKING:
    from capas.build.request import BuildRequest, Built

F = TypeVar("F", bound=Callable[..., Any])


def output_options(function: F) -> F:
    """All of them."""
    for option in reversed(
        (
            click.option(
                "-o", "--output", "outputs", multiple=True, metavar="DIR|-|type=…",
                help="What to make: type=image, registry, local, tar, oci or docker, with dest=, name=, compression= "
                "and others; several times",
            ),
            click.option("--push", is_flag=True, help="Send the image to the registries of its names"),
            click.option("--load", is_flag=True, help="Keep the image here too, beside other outputs"),
            click.option(
                "--annotation", "annotations", multiple=True, metavar="[LEVEL:]KEY=VALUE",
                help="Annotate the image; LEVEL is manifest, index, manifest-descriptor or index-descriptor",
            ),
            click.option(
                "--cache-from", multiple=True, metavar="NAME|type=…",
                help="Use this cache too: type=registry,ref= or type=local,src=; several times",
            ),
            click.option(
                "--cache-to", multiple=True, metavar="NAME|type=…",
                help="Write the cache here too: type=registry,ref=, type=local,dest= or type=inline, with mode=max for "
                "every stage; several times",
            ),
            click.option("--iidfile", metavar="FILE", help="Write the image's id to this file"),
            click.option("--metadata-file", metavar="FILE", help="Write what was made to this file, as JSON"),
            click.option(
                "--platform", "platforms", multiple=True, callback=_platforms, metavar="PLATFORM[,PLATFORM]",
                help="Build for these platforms, several of them into one index",
            ),
        )
    ):  # fmt: skip
        function = option(function)
    return function


def with_outputs(request: BuildRequest, given: dict[str, Any]) -> BuildRequest:
    """The request with what the flags say. Raises: Invalid; Unsupported."""
    from capas.build.caching.flags import CacheTarget, check_cache_targets, parse_cache_source, parse_cache_target
    from capas.build.exporters.choice import choose_outputs

    outputs = choose_outputs(given["outputs"], push=given["push"], load=given["load"], annotations=given["annotations"])
    platforms: tuple[Platform, ...] = given["platforms"]
    if any(output.to_stdout for output in outputs) and sys.stdout.isatty():
        raise Invalid("will not write an archive to a terminal", hint="use dest=FILE, or a pipe")
    cache_to = [parse_cache_target(text) for text in given["cache_to"]]
    if request.build_args.get("BUILDKIT_INLINE_CACHE") == "1" and not any(one.type == "inline" for one in cache_to):
        cache_to.append(CacheTarget("inline"))
    check_cache_targets(cache_to, makes_image=any(output.is_image for output in outputs))
    return request._replace(
        cache_from=tuple(parse_cache_source(text) for text in given["cache_from"]),
        cache_to=tuple(cache_to),
        outputs=outputs,
        stdout=sys.stdout.buffer,
        platform=platforms[0] if platforms else None,
        platforms=platforms if len(platforms) > 1 else (),
    )


def write_files(built: Built, iidfile: str | None, metadata_file: str | None) -> None:
    """What `--iidfile` and `--metadata-file` ask for. Raises: Denied; Exhausted."""
    if iidfile:
        with disk_errors(iidfile):
            Path(iidfile).write_text(built.id)
    if metadata_file:
        with disk_errors(metadata_file):
            Path(metadata_file).write_text(json.dumps(built.metadata, indent=2) + "\n")


def _platforms(ctx: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[Platform, ...]:
    return tuple(dict.fromkeys(Platform.parse(part) for text in texts for part in text.split(",") if part.strip()))
