"""A finished build that a notebook shows."""

from __future__ import annotations

from capas.build.request import Built


class ShownBuild(Built):
    """A build that shows itself: what was done, what is doubtful, and the layers of the image."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from capas.look import notebook
        from capas.look.shown import ShownImage

        name = next((str(name) for output in self.outputs for name in output.names), "")
        told = f"{notebook.words(name or self.id)}: steps: {self.steps}, from the cache: {self.cached}"
        doubts = [*self.warnings, *(f"{one.rule.name}: {one}" for one in self.findings)]
        lines = notebook.table(["Warnings"], ([notebook.words(doubt)] for doubt in doubts))
        return notebook.frame(f"<p>{told}</p>", lines, ShownImage(self.image, name)._repr_html_())
