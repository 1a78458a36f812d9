"""Pages that take much computation wait for the others, and for each other, but not for ever."""

import threading
import time

import anyio
import pytest

from classifier.review.web import turns
from classifier.review.web.turns import few_threads, in_turn


def test_computation_waits_for_the_pages_that_are_being_made() -> None:
    ended: list[str] = []

    def page() -> None:
        time.sleep(0.1)
        ended.append("page")

    async def ask() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, page)
            await anyio.sleep(0.02)
            group.start_soon(in_turn, ended.append, "computation")

    anyio.run(ask)
    assert ended == ["page", "computation"]


def test_computation_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_PATIENCE", 0.05)
    release = threading.Event()

    async def ask() -> int:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, release.wait)
            await anyio.sleep(0.02)
            try:
                with anyio.fail_after(5):
                    return await in_turn(int, "7")
            finally:
                release.set()

    assert anyio.run(ask) == 7


def test_one_at_a_time_computes_and_a_fault_lets_the_next_one_in() -> None:
    running, most = 0, 0
    guard = threading.Lock()

    def compute(fail: bool) -> None:
        nonlocal running, most
        with guard:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with guard:
            running -= 1
        if fail:
            raise ValueError

    async def one(number: int) -> None:
        if number == 0:
            with pytest.raises(ValueError):
                await in_turn(compute, fail=True)
        else:
            await in_turn(compute, fail=False)

    async def ask() -> None:
        async with anyio.create_task_group() as group:
            for number in range(6):
                group.start_soon(one, number)

    anyio.run(ask)
    assert (running, most) == (0, 1)


def test_an_application_makes_pages_in_few_threads() -> None:
    async def ask() -> float:
        async with few_threads(None):
            return anyio.to_thread.current_default_thread_limiter().total_tokens

    assert anyio.run(ask) == turns._THREADS
