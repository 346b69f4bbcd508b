"""A forest as a graph for other programs: Mermaid, and Graphviz's DOT."""

from __future__ import annotations

from collections.abc import Iterator

from capas.look.forest import Block, Branch, Flag
from capas.printable import human_size, shortened

_LONGEST = 60


def draw_mermaid(root: Branch) -> str:
    """Mermaid's flowchart, `scratch` at the bottom."""
    lines = ["flowchart BT", '  n0(["scratch"])']
    for name, below, label, is_flag in _nodes(root):
        left, right = ('{{"', '"}}') if is_flag else ('["', '"]')
        lines.append(f"  {name}{left}{'<br/>'.join(map(_for_mermaid, label))}{right}")
        lines.append(f"  {below} --> {name}")
    return "\n".join(lines) + "\n"


def draw_dot(root: Branch) -> str:
    """Graphviz's language, `scratch` at the bottom."""
    lines = [
        "digraph images {",
        "  rankdir=BT;",
        '  node [shape=box, fontname="monospace"];',
        '  n0 [label="scratch"];',
    ]
    for name, below, label, is_flag in _nodes(root):
        label_text = "\\n".join(map(_for_dot, label))
        lines.append(f'  {name} [label="{label_text}"{", shape=cds" if is_flag else ""}];')
        lines.append(f"  {below} -> {name};")
    return "\n".join(lines) + "\n}\n"


def _nodes(root: Branch) -> Iterator[tuple[str, str, tuple[str, ...], bool]]:
    """Each block and flag: its name, that of what it stands on, its lines, and whether it is a flag."""
    names = {branch: f"n{number}" for number, branch in enumerate(root.walk())}
    for branch, name in names.items():
        for number, flag in enumerate(branch.flags):
            yield f"{name}f{number}", name, _flag_lines(flag), True
        for above in branch.above:
            if above.block is not None:
                yield names[above], name, _block_lines(above.block), False


def _block_lines(block: Block) -> tuple[str, ...]:
    step = shortened(block.step.words, _LONGEST)
    return step, " ".join((human_size(block.size), block.digest.short if block.digest else ""))


def _flag_lines(flag: Flag) -> tuple[str, ...]:
    return tuple(shortened(text, _LONGEST) for text in (*flag.names, flag.id))


def _for_mermaid(text: str) -> str:
    """In a label in quotation marks: what is Mermaid's, Markdown's or HTML's as a numbered entity."""
    return "".join(c if c.isalnum() or c in " .,:/-_=+@" else f"#{ord(c)};" for c in text)


def _for_dot(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
