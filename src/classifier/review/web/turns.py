"""Which pages go first on one core: those that hand out posts and keep answers, then those that take much computation."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, Lock, current_time, sleep, to_thread

_THREADS = 8
"""Python computes in one thread at a time: more of them would only wait for each other in no order."""
_PATIENCE, _PAUSE = 0.5, 0.002
_computing = Lock()
_thread = CapacityLimiter(1)

Given = ParamSpec("Given")
Made = TypeVar("Made")


@asynccontextmanager
async def few_threads(_: object) -> AsyncIterator[None]:
    """Let an application, as its lifespan, make pages in few threads."""
    to_thread.current_default_thread_limiter().total_tokens = _THREADS
    yield


async def in_turn(work: Callable[Given, Made], *args: Given.args, **kwargs: Given.kwargs) -> Made:
    """Do what takes much computation in a thread of its own: one at a time, and once no other page is being made, unless that takes long.

    Several at once would end no sooner, and would hold up the pages that people wait for between two posts.
    """
    async with _computing:
        others, deadline = to_thread.current_default_thread_limiter(), current_time() + _PATIENCE
        while others.borrowed_tokens and current_time() < deadline:
            await sleep(_PAUSE)
        return await to_thread.run_sync(lambda: work(*args, **kwargs), limiter=_thread)
