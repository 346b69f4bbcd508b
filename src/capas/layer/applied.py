"""What applying a changeset did, and what it left for whoever stacks the trees."""

from __future__ import annotations

from typing import NamedTuple

from capas.layer.attributes import Skipped


class LowerLink(NamedTuple):
    """A hard link whose target is not in the layer itself: it is in a layer below, or the layer is wrong."""

    path: bytes
    target: bytes


class Applied(NamedTuple):
    """The outcome of `apply`. Paths are real ones in the tree that was written, links on the way resolved.

    For the style "plain" everything is in the tree, and only the counts and `skipped` say something.
    For the others, a stack equals applying its layers one after another where whoever stacks sees to this:

    - `whiteouts`: names to be gone from the layers below. Never a name that the layer itself has: a directory that the
      layer deletes and brings again is among the `opaques`.
    - `opaques`: directories whose contents in the layers below are to be gone.
    - `implicit`: directories that had to be made though the layer does not list them, root:root 0755 at time 0; b"" is
      the root. Where the stack below has a directory there, its attributes are the right ones; where it has a link,
      what is beneath belongs where the link leads; nothing or something else: they are right as they are.
    - `bare`: those of the implicit directories that hold only whiteouts: right only where the stack below has them.
    - `links`: to be made from what the stack below has.
    """

    entries: int
    size: int
    whiteouts: tuple[bytes, ...] = ()
    opaques: tuple[bytes, ...] = ()
    implicit: tuple[bytes, ...] = ()
    bare: tuple[bytes, ...] = ()
    links: tuple[LowerLink, ...] = ()
    skipped: tuple[Skipped, ...] = ()
