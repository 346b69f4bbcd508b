"""What a health check is: docker's HEALTHCHECK and its `--health-*` flags, with their defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from capas.errors import Invalid

if TYPE_CHECKING:
    from capas.oci.config import Healthcheck

_SECOND_NS = 10**9
_SHORTEST_NS = 1_000_000


class Check(NamedTuple):
    """A command and when it is run. Times in nanoseconds; 0 for docker's default."""

    test: tuple[str, ...] = ()  # CMD and words, CMD-SHELL and a line, NONE; nothing for the image's
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0

    @property
    def runs(self) -> bool:
        """Whether there is a command to run."""
        return bool(self.test) and self.test[0] != "NONE"

    @property
    def command(self) -> tuple[str, ...]:
        """The words of the command."""
        return ("/bin/sh", "-c", *self.test[1:]) if self.test[0] == "CMD-SHELL" else self.test[1:]

    @property
    def interval_seconds(self) -> float:
        """Between two runs."""
        return (self.interval or 30 * _SECOND_NS) / _SECOND_NS

    @property
    def start_interval_seconds(self) -> float:
        """The same while it starts."""
        return (self.start_interval or 5 * _SECOND_NS) / _SECOND_NS

    @property
    def timeout_seconds(self) -> float:
        """What takes longer has failed."""
        return (self.timeout or 30 * _SECOND_NS) / _SECOND_NS

    @property
    def start_period_seconds(self) -> float:
        """So long failures do not count."""
        return self.start_period / _SECOND_NS


NO_CHECK = Check()


def with_image_check(check: Check, image: Healthcheck | None) -> Check:
    """The check with the image's where nothing else was asked for, and docker's defaults."""
    if check.test == ("NONE",):
        return NO_CHECK
    if image is not None:
        base = Check(image.test, image.interval, image.timeout, image.start_period, image.start_interval, image.retries)
        said = {name: value for name, value in check._asdict().items() if value}
        check = base._replace(**said)
    if not check.runs:
        return NO_CHECK
    return check._replace(retries=check.retries or 3)


def verify(check: Check) -> Check:
    """The check itself. Raises: Invalid for one that cannot be."""
    if check.test and (check.test[0] not in ("CMD", "CMD-SHELL", "NONE") or (check.runs and len(check.test) < 2)):
        raise Invalid("not a health check: {test!r}", test=list(check.test),
                      hint="it begins with CMD, CMD-SHELL or NONE")  # fmt: skip
    for name in ("interval", "timeout", "start_period", "start_interval"):
        if 0 != getattr(check, name) < _SHORTEST_NS:
            raise Invalid("the {name} of a health check is at least 1ms", name=name.replace("_", " "))
    if check.retries < 0:
        raise Invalid("the retries of a health check cannot be negative")
    return check
