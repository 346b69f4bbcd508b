"""Whole documents on the terminal: indented JSON, or each through a Go template."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

import click

from capas.cli.app import App
from capas.cli.batch import each
from capas.cli.template import Template
from capas.cli.template_functions import to_json


def print_documents(
    app: App, names: Iterable[str], get: Callable[[str], Mapping[str, object]], format: str | None
) -> int:
    """Print the document of each name: a JSON list, a line each ("json"), or the template filled. The exit code."""
    documents: list[Mapping[str, object]] = []
    code = each(app, names, lambda name: documents.append(get(name)))
    if format is None:
        click.echo(json.dumps(documents, indent=4, ensure_ascii=False))
    elif format == "json":
        for document in documents:
            click.echo(to_json(document))
    else:
        template = Template(format)
        for document in documents:
            click.echo(template.fill(document))
    return code
