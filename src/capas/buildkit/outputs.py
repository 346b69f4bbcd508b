"""What comes out of a build for a client: an image here, an archive or a directory there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from capas.build.exporters.output import Output, parse_output
from capas.buildkit.attributes import line_of
from capas.buildkit.job import Desk
from capas.buildkit.sending import Outlet, export_headers, send_directory
from capas.errors import Unsupported

_THERE = ("oci", "docker", "tar", "local")
# words of clients about themselves, or about an image without a name, which has none here either
_NO_MATTER = frozenset({"load", "context", "name-canonical", "dangling-name-prefix"})
_IMAGE = "moby"  # what docker's own builder calls the image that it keeps


class ClientOutput(NamedTuple):
    """One of the outputs that a client asked for, by its place among them. Order: the build; `finish` or `abandon`."""

    number: int
    output: Output
    outlet: Outlet | None = None

    @classmethod
    def open(cls, number: int, kind: str, attributes: Mapping[str, str], desk: Desk) -> ClientOutput:
        """Of an exporter's name and attributes. Raises: Invalid; Unsupported."""
        output = _read(kind, attributes)
        if output.type == "local":
            return cls(number, output._replace(dest=str(desk.scratch.new_path())))
        if output.dest == "-":
            outlet = Outlet(desk.job.caller, export_headers(number))
            return cls(number, output._replace(stream=cast(BinaryIO, outlet)), outlet)
        return cls(number, output)

    def finish(self, desk: Desk) -> None:
        """Until the client has it all. Raises: Interrupted; Unavailable."""
        if self.outlet is not None:
            self.outlet.finish()
        elif self.output.type == "local":
            with desk.job.telling.doing("copying files"):
                send_directory(desk.job.caller, Path(self.output.dest), export_headers(self.number))

    def abandon(self) -> None:
        """It will not be whole."""
        if self.outlet is not None:
            self.outlet.abandon()


def _read(kind: str, attributes: Mapping[str, str]) -> Output:
    given = {name: value for name, value in attributes.items() if name not in _NO_MATTER}
    if kind in _THERE:
        if given.get("tar", "true") == "false":
            raise Unsupported("an image as a directory is not sent to a client", hint="leave tar=false out")
        given["dest"] = "-" if kind != "local" else "."
    given.pop("load", None)  # into docker's store, says compose: into ours an image goes anyhow
    return parse_output(line_of("image" if kind == _IMAGE else kind, given))
