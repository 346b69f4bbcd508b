"""The nursery: no task outlives its block, the first failure cancels the rest."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from capas.errors import Conflict, Interrupted
from capas.parallel import Nursery


def test_results_are_waited_for() -> None:
    with Nursery(2) as nursery:
        tasks = [nursery.start(pow, number, 2) for number in range(5)]
        assert [task.wait() for task in tasks] == [0, 1, 4, 9, 16]
        assert all(task.done for task in tasks)


def test_the_block_ends_when_its_tasks_have_ended() -> None:
    done: list[int] = []
    gate = threading.Event()

    def work(number: int) -> None:
        gate.wait(10)
        done.append(number)

    with Nursery(3) as nursery:
        for number in range(6):
            nursery.start(work, number)
        gate.set()
    assert sorted(done) == list(range(6))


def test_at_most_the_limit_work_at_once() -> None:
    lock, now, most = threading.Lock(), 0, 0
    barrier = threading.Barrier(3)

    def work() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        barrier.wait(10)  # three must be here together to go on: a fourth would make four
        with lock:
            now -= 1

    with Nursery(3) as nursery:
        for _ in range(12):
            nursery.start(work)
    assert most == 3


def test_work_begins_in_the_order_it_was_started() -> None:
    order: list[int] = []
    with Nursery(1) as nursery:
        for number in range(20):
            nursery.start(order.append, number)
    assert order == list(range(20))


def fail() -> None:
    raise Conflict("the first")


def test_the_first_failure_is_raised_and_drops_what_has_not_begun() -> None:
    begun: list[int] = []
    with pytest.raises(Conflict, match="the first"), Nursery(1) as nursery:
        nursery.start(fail)
        late = [nursery.start(begun.append, number) for number in range(5)]
    for task in late:
        if task.done and not begun:
            with pytest.raises(Interrupted):
                task.wait()
    assert begun == []


def test_long_work_hears_that_it_is_cancelled() -> None:
    heard = threading.Event()
    started = threading.Event()

    def long_work() -> None:
        started.set()
        nursery.cancelled.wait(10)
        try:
            nursery.check()
        except Interrupted:
            heard.set()
            raise

    with pytest.raises(Conflict), Nursery(2) as nursery:
        nursery.start(long_work)
        started.wait(10)
        nursery.start(fail)
    assert heard.is_set()


def test_an_error_of_the_block_itself_cancels_and_is_raised() -> None:
    with pytest.raises(ValueError, match="mine"), Nursery(1) as nursery:
        nursery.start(nursery.cancelled.wait, 10)
        raise ValueError("mine")
    assert nursery.cancelled.is_set()


def test_what_is_started_after_a_cancel_never_runs() -> None:
    ran: list[int] = []
    with pytest.raises(Conflict), Nursery(1) as nursery:
        nursery.cancel(Conflict("stop"))
        task = nursery.start(ran.append, 1)
        with pytest.raises(Interrupted):
            task.wait()
    assert ran == []


def test_a_task_may_wait_for_one_started_before_it() -> None:
    with Nursery(1) as nursery:
        first = nursery.start(lambda: 20)
        second = nursery.start(lambda: first.wait() + 1)
        assert second.wait() == 21


def test_a_task_may_start_others() -> None:
    found: list[int] = []
    with Nursery(2) as nursery:
        nursery.start(lambda: [nursery.start(found.append, number) for number in range(3)])
    assert sorted(found) == [0, 1, 2]


def test_no_thread_is_left_behind() -> None:
    before = threading.active_count()
    for _ in range(20):
        with Nursery(4) as nursery:
            for number in range(8):
                nursery.start(abs, number)
    assert threading.active_count() == before


def test_an_interrupt_waits_for_work_under_way() -> None:
    ended = threading.Event()

    def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        nursery.cancelled.wait(10)
        time.sleep(0.05)  # the block is told, and must not end before us
        ended.set()

    with pytest.raises(KeyboardInterrupt), Nursery(2) as nursery:
        nursery.start(work)
    assert ended.is_set()
