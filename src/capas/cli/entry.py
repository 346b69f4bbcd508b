"""Where the `capas` program begins, before anything is loaded."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the command line and leave with its exit code."""
    # What start-up makes lives until the end: looking through it for garbage takes a fifth of `capas images`
    gc.set_threshold(100_000, 50, 50)
    from capas.cli.main import main as run

    run()
