"""The explainer: what each step of this build is made of, kept for the next one, and compared with the last one's."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from capas.build.causes import compare
from capas.build.facts import flatten
from capas.build.past import Past, PastStep, Run
from capas.build.request import BuildRequest
from capas.build.urls import is_git_context, is_http, without_credentials
from capas.build.vertex import Source, Vertex, Work, encode_key
from capas.events import Cause

NO_CACHE = Cause("no-cache")
FIRST = Cause("first")
NEW = Cause("new")
GONE = Cause("gone")
PRUNED = Cause("pruned")
FORGOTTEN = Cause("forgotten")


class Explainer:
    """Says why a step misses the cache. Safe from many threads."""

    def __init__(self, past: Past, request: BuildRequest, vertices: Iterable[Vertex]) -> None:
        self._past = past
        self._place = _place(request)
        self._lock = threading.Lock()
        self._keys: dict[Vertex, str] = {}
        self._stages: dict[str, list[Vertex]] = defaultdict(list)
        self._earlier: dict[str, list[list[PastStep]]] = {}
        for vertex in vertices:
            if not isinstance(vertex.op, Source):
                self._stages[stage_of(vertex)].append(vertex)

    def explain(self, vertex: Vertex, work: Work, *, gone: bool = False, look: bool = False) -> tuple[Cause, ...]:
        """Why it is not in the cache. `gone`: it is, but its layer is not in the store any more.

        `look`: look at the files that it copies even where no key of it has needed them.
        """
        if gone:
            return (GONE,)
        if not vertex.op.use_cache:  # type: ignore[union-attr]
            return (NO_CACHE,)
        now = describe(vertex, work, look=look)
        found = [compare(run, now) for run in self._earlier_runs(vertex)]
        if found:
            return min(found, key=len) or (PRUNED,)
        builds = self._builds(stage_of(vertex))
        if any(self._counterpart(vertex, steps) is not None for steps in builds):
            return (FORGOTTEN,)
        return (NEW,) if builds else (FIRST,)

    def made(self, vertex: Vertex, work: Work, keys: Sequence[str], seconds: float) -> None:
        """The step has been done: remember what it was made of."""
        self._past.put(keys, describe(vertex, work)._replace(seconds=seconds))
        self.found(vertex, keys[-1])

    def found(self, vertex: Vertex, key: str) -> None:
        """The step is known by this key."""
        with self._lock:
            self._keys[vertex] = key

    def seconds(self, vertex: Vertex) -> float | None:
        """How long the step took when it was done, None where that was forgotten."""
        key = self._keys.get(vertex)
        return None if key is None else self._past.find_seconds(key)

    def close(self) -> None:
        """Remember which steps the stages had. Idempotent."""
        for stage, vertices in self._stages.items():
            steps = [PastStep(_title(vertex), self._keys[vertex]) for vertex in vertices if vertex in self._keys]
            if len(steps) == len(vertices):
                self._past.put_build(self._stage_key(stage), steps)
        self._past.close()

    def _earlier_runs(self, vertex: Vertex) -> Iterator[Run]:
        """The runs that this step may be another of, the newest first."""
        stage = stage_of(vertex)
        keys = [key for steps in self._builds(stage) if (key := self._counterpart(vertex, steps)) is not None]
        runs = [run for key in dict.fromkeys(keys) if (run := self._past.find(key)) is not None]
        if runs or self._builds(stage):
            yield from runs
        elif (like := self._past.find_like(_title(vertex))) is not None:
            yield like

    def _counterpart(self, vertex: Vertex, steps: Sequence[PastStep]) -> str | None:
        """The key of the step that stood in this one's place: the same text, or what was there instead of it."""
        from difflib import SequenceMatcher

        vertices = self._stages[stage_of(vertex)]
        at = vertices.index(vertex)
        matcher = SequenceMatcher(None, [step.title for step in steps], [_title(one) for one in vertices], False)
        for tag, low, high, start, end in matcher.get_opcodes():
            if not start <= at < end:
                continue
            if tag == "equal":
                return steps[low + at - start].key
            return _stand_in(steps[low:high], vertices[start:end], at - start)
        return None

    def _builds(self, stage: str) -> list[list[PastStep]]:
        with self._lock:
            if stage not in self._earlier:
                self._earlier[stage] = self._past.list_builds(self._stage_key(stage))
            return self._earlier[stage]

    def _stage_key(self, stage: str) -> str:
        return encode_key(self._place, stage)


def describe(vertex: Vertex, work: Work, *, look: bool = False) -> Run:
    """A step as it is about to be done, or has been."""
    below = vertex.inputs[0]
    image = isinstance(below.op, Source)
    return Run(
        title=_title(vertex),
        facts=flatten(work.parts),
        files=work.files(look=look),
        base=below.op.name if isinstance(below.op, Source) else describe_step(below),
        base_digest=_digest(below) if image else "",
        arguments=tuple(vertex.note.arguments),
        variables={name.removeprefix("env "): value for name, value in flatten({"env": vertex.note.variables}).items()},
    )


def describe_step(vertex: Vertex) -> str:
    """A step as causes name it."""
    return f"{vertex.step} {_title(vertex)}"


def stage_of(vertex: Vertex) -> str:
    """The stage that a step belongs to, as its id says."""
    return vertex.step.rpartition(" ")[0]


def _stand_in(steps: Sequence[PastStep], vertices: Sequence[Vertex], at: int) -> str | None:
    """Steps that were replaced are paired in their order, an instruction with its like."""
    word = _keyword(_title(vertices[at]))
    place = sum(_keyword(_title(one)) == word for one in vertices[:at])
    like = [step for step in steps if _keyword(step.title) == word]
    return like[place].key if place < len(like) else None


def _keyword(title: str) -> str:
    return title.split(None, 1)[0].upper() if title.strip() else ""


def _title(vertex: Vertex) -> str:
    return "" if isinstance(vertex.op, Source) else vertex.op.title


def _digest(vertex: Vertex) -> str:
    op = vertex.op
    assert isinstance(op, Source)
    return op.digest or ("scratch" if not op.layers else str(op.layers[-1].diff_id))


def _place(request: BuildRequest) -> str:
    """What makes two builds two runs of one: the same context, Dockerfile and platform."""
    context = request.context
    local = not (context == "-" or is_git_context(context) or is_http(context))
    where = str(Path(context).resolve()) if local else without_credentials(context)
    parts = encode_key(where, request.file or "", str(request.platform or request.host_platform))
    return sha256(parts.encode()).hexdigest()
