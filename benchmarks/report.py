"""The figures as JSON, as a table for a terminal and as markdown."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from measure import Found
from peers import Lab

PROGRAMS = ("docker", "podman", "buildah", "skopeo", "umoci", "crun", "runc")


class Setting(NamedTuple):
    """Where all of it was measured."""

    filesystem: str
    rounds: int
    driver: str  # that Capas chose
    missing: str  # why there are no peers
    versions: Mapping[str, str]


class Row(NamedTuple):
    """A case and what was found."""

    name: str
    about: str
    goal: str
    found: Found


def document(setting: Setting, rows: Sequence[Row], sizes: Mapping[str, Any]) -> dict[str, Any]:
    """Everything, as plain values."""
    load = os.getloadavg()[2]
    return {
        "machine": {
            "cores": os.cpu_count(), "kernel": platform.release().split("-")[0], "filesystem": setting.filesystem
        },
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "load of the last 15 minutes": round(load, 1),
        "rounds": setting.rounds,
        "driver": setting.driver,
        "missing": setting.missing,
        "versions": dict(setting.versions),
        "cases": [case(row) for row in rows],
        "disk": dict(sizes),
        "hub": {},
    }  # fmt: skip


def case(row: Row) -> dict[str, Any]:
    """A row; the ratio is Capas' time by each peer's."""
    figures = {
        name: {"seconds": round(f.seconds, 4), "cpu": f.cpu and round(f.cpu, 4),
               "peak_mb": f.peak and round(f.peak / 1e6, 1), "all": list(f.all_seconds)}
        for name, f in row.found.figures.items()
    }  # fmt: skip
    ours = row.found.figures.get("capas")
    ratios = {
        name: round(ours.seconds / f.seconds, 3) for name, f in row.found.figures.items() if ours and name != "capas"
    }
    return {
        "case": row.name, "about": row.about, "goal": row.goal, "figures": figures, "capas/other": ratios,
        "missing": dict(row.found.missing),
    }  # fmt: skip


def find_versions(lab: Lab) -> dict[str, str]:
    """What the peers call themselves."""
    commands = {name: lab.peer(name, "--version").argv for name in PROGRAMS}
    commands["docker-registry"] = ("docker-registry", "--version")
    found = {}
    for name, command in commands.items():
        try:
            printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
        except (OSError, subprocess.SubprocessError, IndexError):
            continue
        found[name] = next((word for word in printed.split() if word[:1].isdigit()), printed).rstrip(",")
    return found


def lines(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Rows of the table: case, who, seconds, CPU seconds, peak MB, ratio, goal. Who is missing stands there too."""
    made: list[tuple[str, ...]] = []
    for item in found["cases"]:
        for name, f in item["figures"].items():
            ratio = item["capas/other"].get(name)
            made.append((
                "", name, f"{f['seconds']:.3f}", number(f["cpu"], 2), number(f["peak_mb"], 0), number(ratio, 2), ""
            ))  # fmt: skip
        made += [("", name, "missing", "", "", "", reason(text)) for name, text in item["missing"].items()]
        first = len(made) - len(item["figures"]) - len(item["missing"])
        made[first] = (item["case"], *made[first][1:6], item["goal"] or made[first][6])
    return made


def number(value: float | None, digits: int) -> str:
    """Nothing for what is not known."""
    return "" if value is None else f"{value:.{digits}f}"


def reason(text: str) -> str:
    """What a program said first, in a cell."""
    said = text.rpartition(": exit ")[2].strip()
    return said.splitlines()[0].replace("|", "/")[:120] if said else "it said nothing"


def disk_lines(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Rows of the table of what images take."""
    return [
        (
            name,
            who,
            number(f.get("mb"), 1),
            number(f.get("inodes"), 0) if "mb" in f else f"missing: {reason(f['error'])}",
        )
        for name, engines in found["disk"].items()
        for who, f in engines.items()
    ]


HEADS = ("case", "who", "seconds", "cpu s", "peak MB", "capas / other", "goal")
DISK = ("on the disk", "who", "MB", "inodes")
RATES = ("hub", "capas hub", "docker-registry", "capas / peer")


def rate_lines(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Rows of the hub's table. These are rates: more is better."""
    return [
        (name, f"{f['hub']:.0f}", f"{f['docker-registry']:.0f}", f"{f['ratio']:.2f}")
        for name, f in found["hub"].get("rates", {}).items()
    ]


def tables(found: Mapping[str, Any]) -> list[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
    """Heads and rows of each table in which something stands."""
    all_of = [(HEADS, lines(found)), (DISK, disk_lines(found)), (RATES, rate_lines(found))]
    return [(heads, rows) for heads, rows in all_of if rows]


def plain(found: Mapping[str, Any]) -> str:
    """For a terminal."""
    text = "\n".join([f"{head(found)}\n", *(aligned([heads, *rows]) for heads, rows in tables(found))])
    if "missing" in found["hub"]:
        text += f"\nhub: not measured, missing: {found['hub']['missing']}\n"
    return text


def markdown(found: Mapping[str, Any]) -> str:
    """To paste."""
    return "\n".join([f"{head(found)}\n", *(table(heads, rows) for heads, rows in tables(found))])


def head(found: Mapping[str, Any]) -> str:
    """Where and when, in one sentence."""
    machine = found["machine"]
    peers = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    load = found["load of the last 15 minutes"]
    without = f"\nNo peers: {found['missing']}." if found["missing"] else ""
    return (
        f"{found['date']}, {machine['cores']} cores, Linux {machine['kernel']}, {machine['filesystem']}; "
        f"medians of up to {found['rounds']} rounds; load of the last 15 minutes {load}.\n"
        f"Capas chose the {found['driver']} driver. Peers: {peers}.{without}"
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
