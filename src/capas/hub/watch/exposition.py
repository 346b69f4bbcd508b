"""The counters as Prometheus reads them.

Spec: Prometheus, "Exposition formats", text format 0.0.4. It is a few lines, so no client library is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from capas.hub.copying.standing import Standing
from capas.hub.watch.board import BOUNDS, Totals

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SINGLES = (
    ("under_way", "capas_hub_requests_under_way", "gauge", "Requests that are being answered"),
    ("received_bytes", "capas_hub_received_bytes_total", "counter", "Bytes of request bodies"),
    ("sent_bytes", "capas_hub_sent_bytes_total", "counter", "Bytes of response bodies"),
    ("collections", "capas_hub_collections_total", "counter", "Runs of the garbage collector"),
    ("collected_blobs", "capas_hub_collected_blobs_total", "counter", "Blobs that it freed"),
    ("collected_bytes", "capas_hub_collected_bytes_total", "counter", "Bytes that it freed"),
    ("collect_seconds", "capas_hub_collect_seconds_total", "counter", "Time that it took"),
)


_UPSTREAM = (
    ("blob_bytes", "Bytes of blobs that are kept of an upstream"),
    ("limit", "How much an upstream says that it lets this hub fetch"),
    ("remaining", "How much of that is left"),
    ("wait_seconds", "How long an upstream asks to be left alone"),
)


def expose(totals: Totals, held: Mapping[str, int], upstreams: Sequence[Standing] = ()) -> bytes:
    """The whole document. `held` are the numbers of what the hub holds, by name."""
    lines = [*_requests(totals), *_times(totals)]
    for name, metric, kind, help in _SINGLES:
        lines += [*_head(metric, kind, help), f"{metric} {_number(totals.single(name))}"]
    for name, value in held.items():
        metric = f"capas_hub_{name}"
        lines += [*_head(metric, "gauge", f"What the hub holds: {name.replace('_', ' ')}"), f"{metric} {value}"]
    lines += _upstreams(upstreams)
    return ("\n".join(lines) + "\n").encode()


def _requests(totals: Totals) -> Iterator[str]:
    metric = "capas_hub_requests_total"
    yield from _head(metric, "counter", "Requests by route, method and status")
    for route, method, status, count in totals.requests():
        yield f'{metric}{{route="{route}",method="{method}",status="{status}"}} {count}'


def _times(totals: Totals) -> Iterator[str]:
    metric = "capas_hub_request_seconds"
    yield from _head(metric, "histogram", "Time from a request to the end of its answer")
    for route, method, buckets, seconds in totals.times():
        labels = f'route="{route}",method="{method}"'
        counts = list(accumulate(buckets))
        for bound, count in zip((*BOUNDS, "+Inf"), counts, strict=True):
            yield f'{metric}_bucket{{{labels},le="{bound}"}} {count}'
        yield f"{metric}_sum{{{labels}}} {_number(seconds)}"
        yield f"{metric}_count{{{labels}}} {counts[-1]}"


def _upstreams(upstreams: Sequence[Standing]) -> Iterator[str]:
    """What an upstream does not say is not there."""
    for name, help in _UPSTREAM if upstreams else ():
        metric = f"capas_hub_upstream_{name}"
        yield from _head(metric, "gauge", help)
        for one in upstreams:
            value = getattr(one, name)
            if value is not None:
                yield f'{metric}{{upstream="{one.prefix}"}} {_number(value)}'


def _head(metric: str, kind: str, help: str) -> Iterable[str]:
    return f"# HELP {metric} {help}", f"# TYPE {metric} {kind}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(round(value, 6))
