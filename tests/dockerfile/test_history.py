"""What builders leave of instructions in a history, and the instructions again."""

from __future__ import annotations

import pytest

from capas.dockerfile.history import find_instruction, restore_line, split_instruction
from capas.dockerfile.instructions import Healthcheck

LEFT = {
    "RUN /bin/sh -c apt-get update # buildkit": "RUN apt-get update",
    "RUN |2 A=1 B=2 /bin/sh -c make # buildkit": "RUN make",
    "RUN /bin/bash -euo pipefail -c a | b # buildkit": "RUN a | b",
    "/bin/sh -c apt-get update": "RUN apt-get update",
    '/bin/sh -c #(nop)  CMD ["bash"]': 'CMD ["bash"]',
    '/bin/sh -c #(nop)  CMD ["/bin/sh" "-c" "nginx -g"]': "CMD nginx -g",
    'ENTRYPOINT ["a" "b c"]': 'ENTRYPOINT ["a", "b c"]',
    "/bin/sh -c #(nop) COPY file:3a8b2c in /usr/bin/ ": "COPY file:3a8b2c /usr/bin/",
    "COPY /out/app /app # buildkit": "COPY /out/app /app",
    "EXPOSE map[443/tcp:{} 80/tcp:{}]": "EXPOSE 443/tcp 80/tcp",
    "VOLUME [/data /logs]": "VOLUME /data /logs",
    "SHELL [/bin/bash -c]": 'SHELL ["/bin/bash", "-c"]',
    "ENV GREETING=hello world LANG=C": 'ENV GREETING="hello world" LANG="C"',
    "ENV PRICE=$5": 'ENV PRICE="\\$5"',
    "WORKDIR /app": "WORKDIR /app",
    "bazel build //:image": "",
}


@pytest.mark.parametrize("left", LEFT)
def test_the_line_that_left_a_text_is_known(left: str) -> None:
    assert restore_line(left) == LEFT[left]


@pytest.mark.parametrize("left", [left for left in LEFT if LEFT[left]])
def test_a_restored_line_can_be_read(left: str) -> None:
    assert find_instruction(left) is not None


@pytest.mark.parametrize(
    "left",
    [
        "HEALTHCHECK {Test:[CMD-SHELL curl -f x] Interval:30s Timeout:3s StartPeriod:0s StartInterval:0s Retries:4}",
        'HEALTHCHECK &{["CMD-SHELL" "curl -f x"] "30s" "3s" "0s" "0s" \'\\x04\'}',
    ],
)
def test_a_health_check_is_read_again(left: str) -> None:
    found = find_instruction(left)
    assert isinstance(found, Healthcheck)
    assert (found.test, found.interval_ns, found.timeout_ns) == (("CMD-SHELL", "curl -f x"), 30 * 10**9, 3 * 10**9)


def test_what_is_no_instruction_is_none() -> None:
    assert find_instruction("# debian.sh --arch 'amd64' out/ 'bookworm'") is None
    assert split_instruction("# debian.sh --arch") == ("", "# debian.sh --arch")
