"""The hub's rates against docker-registry's, by hub_rates.py in a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

NAME = "hub"
PROGRAM = Path(__file__).resolve().parent.parent / "hub_rates.py"


def measure_rates(work: Path, rounds: int) -> dict[str, Any]:
    """What hub_rates.py found, or what it misses."""
    missing = [name for name in ("wrk", "ab", "docker-registry") if shutil.which(name) is None]
    if missing:
        return {"missing": ", ".join(missing)}
    command = [sys.executable, str(PROGRAM), "--root", str(work), "--rounds", str(min(rounds, 3)), "--seconds", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"missing": done.stderr.strip().splitlines()[-1][:200]}
    return dict(json.loads(done.stdout))
