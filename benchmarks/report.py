"""The figures as JSON, as a table for a terminal and as markdown."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from measure import Figure

PROGRAMS = {
    "podman": ("podman", "--version"),
    "buildah": ("buildah", "--version"),
    "skopeo": ("skopeo", "--version"),
    "umoci": ("umoci", "--version"),
    "crun": ("crun", "--version"),
    "runc": ("runc", "--version"),
    "docker-registry": ("docker-registry", "--version"),
}


class Row(NamedTuple):
    """A case and what was found."""

    name: str
    about: str
    goal: str
    found: Mapping[str, Figure]
    error: str = ""


def document(rows: Sequence[Row], rates: Mapping[str, Any], *, where: str, rounds: int) -> dict[str, Any]:
    """Everything, as plain values."""
    load = os.getloadavg()[2]
    return {
        "machine": {"cores": os.cpu_count(), "kernel": platform.release().split("-")[0], "filesystem": where},
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "load of the last 15 minutes": round(load, 1),
        "rounds": rounds,
        "versions": versions(),
        "cases": [case(row) for row in rows],
        "hub": dict(rates),
    }


def case(row: Row) -> dict[str, Any]:
    """A row; the ratio is Capas' time by each peer's."""
    figures = {
        name: {"seconds": round(f.seconds, 4), "cpu": round(f.cpu, 4), "peak_mb": round(f.peak / 1e6, 1),
               "all": list(f.all_seconds)}
        for name, f in row.found.items()
    }  # fmt: skip
    ours = row.found["capas"].seconds if row.found else 0.0
    ratios = {name: round(ours / f.seconds, 3) for name, f in row.found.items() if not name.startswith("capas")}
    made = {"case": row.name, "about": row.about, "goal": row.goal, "figures": figures, "capas/peer": ratios}
    return made | ({"error": row.error} if row.error else {})


def versions() -> dict[str, str]:
    """What the peers call themselves."""
    found = {}
    for name, command in PROGRAMS.items():
        try:
            printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
        except (OSError, subprocess.SubprocessError, IndexError):
            continue
        found[name] = next((word for word in printed.split() if word[:1].isdigit()), printed)
    return found


def lines(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Rows of the table: case, who, seconds, CPU seconds, peak MB, ratio, goal."""
    made: list[tuple[str, ...]] = []
    for item in found["cases"]:
        if "error" in item:
            made.append((item["case"], "not measured", "", "", "", "", item["error"].splitlines()[0][:90]))
        for place, (name, f) in enumerate(item["figures"].items()):
            ratio = item["capas/peer"].get(name)
            made.append((
                item["case"] if place == 0 else "", name, f"{f['seconds']:.3f}", f"{f['cpu']:.2f}",
                f"{f['peak_mb']:.0f}", "" if ratio is None else f"{ratio:.2f}", item["goal"] if place == 0 else "",
            ))  # fmt: skip
    return made


HEADS = ("case", "who", "seconds", "cpu s", "peak MB", "capas / peer", "goal")
RATES = ("hub", "capas hub", "docker-registry", "capas / peer")


def rate_lines(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Rows of the hub's table. These are rates: more is better."""
    return [
        (name, f"{f['hub']:.0f}", f"{f['docker-registry']:.0f}", f"{f['ratio']:.2f}")
        for name, f in found["hub"].get("rates", {}).items()
    ]


def plain(found: Mapping[str, Any]) -> str:
    """For a terminal."""
    text = f"{head(found)}\n\n{aligned([HEADS, *lines(found)])}"
    rates = rate_lines(found)
    if rates:
        text += f"\n{aligned([RATES, *rates])}"
    if "missing" in found["hub"]:
        text += f"\nhub: not measured, missing: {found['hub']['missing']}\n"
    return text


def markdown(found: Mapping[str, Any]) -> str:
    """To paste."""
    text = f"{head(found)}\n\n{table(HEADS, lines(found))}"
    rates = rate_lines(found)
    return text + (f"\nRates, more is better:\n\n{table(RATES, rates)}" if rates else "")


def head(found: Mapping[str, Any]) -> str:
    """Where and when, in one sentence."""
    machine = found["machine"]
    peers = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    load = found["load of the last 15 minutes"]
    return (
        f"{found['date']}, {machine['cores']} cores, Linux {machine['kernel']}, {machine['filesystem']}; "
        f"medians of up to {found['rounds']} rounds; load of the last 15 minutes {load}.\nPeers: {peers}."
    )


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they must be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n" for row in rows
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A markdown table."""
    return "".join(f"| {' | '.join(row)} |\n" for row in (heads, ["---"] * len(heads), *rows))
