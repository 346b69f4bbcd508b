"""`capas build`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from capas.cli.app import App, pass_app
from capas.cli.attest_options import attest_options, read_attestations
from capas.cli.build_outputs import output_options, with_outputs, write_files
from capas.cli.checks import print_checked, say_findings
from capas.cli.insight import ShellVisitor, explain_cache, say_reproducible
from capas.cli.lazy import Command
from capas.cli.options import progress_option
from capas.cli.pairs import parse_pairs
from capas.cli.step_options import step_options, step_wishes
from capas.errors import Invalid
from capas.language import count_of

if TYPE_CHECKING:
    from capas.build.request import BuildRequest, Built


@click.command(
    cls=Command, help="Build an image from a Dockerfile. CONTEXT is a directory, a git or http address, or - for a tar"
)
@click.argument("context", metavar="CONTEXT")
@click.option("-t", "--tag", "tags", multiple=True, metavar="NAME[:TAG]", help="Name the image; several times")
@click.option("-f", "--file", metavar="FILE", help="The Dockerfile (CONTEXT/Dockerfile when not given)")
@click.option(
    "--build-context",
    "build_contexts",
    multiple=True,
    metavar="NAME=VALUE",
    help="What the Dockerfile means by NAME: a directory, an address, docker-image://NAME or oci-layout://PATH",
)
@click.option("--build-arg", "build_args", multiple=True, metavar="NAME[=VALUE]", help="Set a build argument")
@click.option("--target", default="", metavar="STAGE", help="Build this stage")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="Add a label to the image")
@click.option("--no-cache", is_flag=True, help="Do every step again")
@click.option(
    "--no-cache-filter",
    "no_cache_filter",
    multiple=True,
    metavar="STAGE[,STAGE]",
    help="Do the steps of these stages again",
)
@click.option("--pull", is_flag=True, help="Ask the registry for newer base images")
@click.option("--compression", type=click.Choice(["gzip", "zstd", "none"]), help="How new layers are packed")
@step_options
@click.option("--check", is_flag=True, help="Check the Dockerfile by docker's rules, and build nothing")
@click.option(
    "--check-reproducible", is_flag=True, help="Build twice in other conditions, and name the first difference"
)
@click.option("--cost", is_flag=True, help="Show what each step took, added and wasted")
@click.option("--on-error", type=click.Choice(["shell"]), help="Where a RUN fails, open a shell as it was before it")
@click.option("--explain-cache", is_flag=True, help="Say which steps would be done again and why, and build nothing")
@attest_options
@output_options
@progress_option
@click.option("-q", "--quiet", is_flag=True, help="Print the image's id only")
@pass_app
def build(app: App, /, *, tags: tuple[str, ...], progress: str, quiet: bool, **rest: Any) -> int:
    """The id is printed on standard output when -q is given, or where nobody watches."""
    from capas.build.request import BuildRequest

    request = with_outputs(_request(BuildRequest, rest), rest)
    if rest["check"]:
        return print_checked(app, app.engine.images.check(request))
    if rest["explain_cache"]:
        explain_cache(app, request, progress)
        return 0
    shown = app.progress(progress, quiet=quiet)
    visitor = ShellVisitor(app, shown) if rest["on_error"] else None
    difference = None
    with shown as report:
        if rest["check_reproducible"]:
            built, difference = app.engine.images.build_twice(request, tags=tags, report=report)
        else:
            built = app.engine.images.build(request, tags=tags, visitor=visitor, report=report)
    write_files(built, rest["iidfile"], rest["metadata_file"])
    if quiet:
        click.echo(built.id, err=any(output.to_stdout for output in request.outputs))
    else:
        say_built(app, built)
    if rest["cost"]:
        from capas.cli.costs import print_costs

        print_costs(app.engine.images.costs(str(built.image.id)), app.words)
    return say_reproducible(app, difference) if rest["check_reproducible"] else 0


def _request(kind: type[BuildRequest], given: dict[str, Any]) -> BuildRequest:
    context, file = str(given["context"]), given["file"]
    if context == "-" and sys.stdin.isatty():
        raise Invalid("standard input is a terminal: there is no context on it", hint="name a directory, often .")
    if context == "-" and file == "-":
        raise Invalid("the context and the Dockerfile cannot both come from standard input")
    return kind(
        context=context,
        file=str(file) if file else None,
        stdin=sys.stdin.buffer if "-" in (context, file) else None,
        build_args=parse_pairs(given["build_args"], "--build-arg", bare=True),
        build_contexts=_contexts(given["build_contexts"]),
        target=given["target"],
        labels={key: value or "" for key, value in parse_pairs(given["labels"], "--label", bare=True).items()},
        no_cache=given["no_cache"],
        no_cache_filter=tuple(name for text in given["no_cache_filter"] for name in text.split(",") if name),
        pull=given["pull"],
        compression=given["compression"],
        attestations=read_attestations(given),
        **step_wishes(given),
    )


def _contexts(texts: tuple[str, ...]) -> dict[str, str]:
    return {name: value or "" for name, value in parse_pairs(texts, "--build-context").items()}


def say_built(app: App, built: Built) -> None:
    """What a build found and made, for people."""
    outputs = built.outputs
    say = app.warn if any(output.to_stdout for output in outputs) else app.say
    for warning in built.warnings:
        app.warn("warning: {warning}", warning=warning)
    say_findings(app, built.findings)
    steps = count_of("{count} step", "{count} steps", built.steps)
    say("Built {image} ({cached} of {steps} cached)", image=built.id, cached=built.cached, steps=steps)
    for output in outputs:
        for name in output.names if output.type == "image" else ():
            if output.store:
                say("Tagged {tag}", tag=name.familiar)
            if output.push:
                say("Pushed {tag}", tag=name.familiar)
        if output.dest not in ("", "-"):
            say("Wrote {path}", path=output.dest)
