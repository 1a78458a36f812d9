"""Worker processes that share one loaded model: started once, kept for the next batch, never outliving the one that started them."""

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from classifier.errors import InputError

Item = TypeVar("Item")
Made = TypeVar("Made")
Work = Callable[[Any], Any]

_AHEAD = 1
"""Items handed out beyond one a worker, so that none waits while results are written."""

_work: Work
"""In a worker: what it does with an item."""


class Workers:
    """Processes that do one kind of work.

    On Linux they are forked, so what `work` holds, such as a model, lies in memory once for all of them. Elsewhere each gets a copy.

    Parameters
    ----------
    work : callable
        Called in the workers with one item; where processes can't be forked it is pickled, as items and results always are.
    processes : int
        How many; -1 means one a core.

    Examples
    --------
    >>> workers = Workers(str.upper, 2)
    >>> list(workers.map(["a", "b", "c"], lambda letter: letter))
    [('a', 'A'), ('b', 'B'), ('c', 'C')]
    >>> workers.stop()
    """

    def __init__(self, work: Work, processes: int) -> None:
        self._work = work
        self.processes = available_cores() if processes == -1 else processes
        self._executor: ProcessPoolExecutor | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_executor": None}  # processes stay with the one that started them

    def map(self, items: Iterable[Item], argument: Callable[[Item], Any]) -> Iterator[tuple[Item, Any]]:
        """Work on items in order, a few at a time, so that memory does not grow with their number.

        Parameters
        ----------
        items : iterable
            Taken only as fast as results are.
        argument : callable
            What of an item is sent to a worker.

        Yields
        ------
        item, result
            In the order of the items.

        Raises
        ------
        InputError
            If a worker was killed.
        """
        executor = self._started()
        waiting: deque[tuple[Item, Future[Any]]] = deque()
        try:
            for item in items:
                waiting.append((item, executor.submit(_do, argument(item))))
                if len(waiting) >= self.processes + _AHEAD:
                    yield _first(waiting)
            while waiting:
                yield _first(waiting)
        except BrokenProcessPool:
            self.stop()
            raise InputError("a worker process was killed, perhaps because memory ran out; try again with --processes 1") from None
        except BaseException:
            self.stop()
            raise

    def _started(self) -> ProcessPoolExecutor:
        if self._executor is None:
            context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
            self._executor = ProcessPoolExecutor(self.processes, context, _begin, (self._work,))
            gc.collect()
            gc.freeze()  # a collection in a worker would write to every object, and so copy the memory it shares
            try:
                self._executor.submit(_do_nothing).result()
            finally:
                gc.unfreeze()
        return self._executor

    def stop(self) -> None:
        """End the workers after what they are at; the next `map` starts new ones."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _first(waiting: "deque[tuple[Item, Future[Made]]]") -> tuple[Item, Made]:
    item, future = waiting.popleft()
    return item, future.result()


def _begin(work: Work) -> None:
    """Make a process a worker: interruptions are its parent's business, and it ends when that does, however that ends."""
    global _work
    _work = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(argument: Any) -> Any:
    return _work(argument)


def _do_nothing() -> None:
    """Answer: with this all workers have been started."""
