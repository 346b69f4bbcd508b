"""A build's events as the classic builder's lines: `Step 2/5 : RUN make`, what it said, `Successfully built …`."""

from __future__ import annotations

import threading
from collections import defaultdict

from capas.dockerapi.progress import Progress
from capas.events import Event, Explained, Finished, Planned, Said, Settled, Started


class Lines:
    """Renders events; many threads may report at once.

    Instructions that make no files come after the step that they stand on. How many there are in all is known once the
    plan is made: until then the steps of FROM, which are done in it, are held back.
    """

    def __init__(self, progress: Progress, *, quiet: bool) -> None:
        self._progress, self._quiet = progress, quiet
        self._lock = threading.Lock()
        self._digests: dict[str, str] = {}
        self._bases: set[str] = set()
        self._settled: dict[str, list[str]] = defaultdict(list)
        self._held: list[Event] | None = []
        self._total = self._number = 0

    def report(self, event: Event) -> None:
        """One line, several, or none."""
        with self._lock:
            if isinstance(event, Planned):
                self._total += 1
                self._digests[event.id] = event.digest
                self._bases |= set() if event.inputs else {event.id}
            elif isinstance(event, Settled):
                self._total += 1
                self._settled[event.after].append(event.text)
            elif not self._quiet and not isinstance(event, Explained):
                self._render(event)

    def close(self) -> None:
        """Order: when the build is done."""
        with self._lock:
            if not self._quiet:
                self._release()

    def _render(self, event: Event) -> None:
        if event.id not in self._digests:
            self._progress.report(event)
        elif self._held is not None and event.id in self._bases:
            self._held.append(event)
        else:
            self._release()
            self._step(event)

    def _release(self) -> None:
        held, self._held = self._held, None
        if held is None:
            return
        planned = set(self._digests.values())
        for digest in [digest for digest in self._settled if digest not in planned]:
            self._settle(digest)  # what stands on nothing
        for event in held:
            self._step(event)

    def _step(self, event: Event) -> None:
        if isinstance(event, Started):
            self._begin(event.text)
        elif isinstance(event, Said):
            self._say(f"{event.text}\n")
        elif isinstance(event, Finished):
            if event.text == "CACHED":
                self._say(" ---> Using cache\n")
            self._settle(self._digests[event.id])

    def _settle(self, digest: str) -> None:
        for text in self._settled.pop(digest, ()):
            self._begin(text)

    def _begin(self, text: str) -> None:
        self._number += 1
        self._say(f"Step {self._number}/{self._total} : {text}\n")

    def _say(self, text: str) -> None:
        self._progress.send({"stream": text})
