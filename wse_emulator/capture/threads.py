"""Ops that a step issues in other threads: torch's modes know one thread, so each is entered."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType


@contextmanager
def entered_in_threads(enter: Callable[[], None], quiet: Callable[[], bool]) -> Iterator[None]:
    """Call ``enter`` first in every thread that starts inside the block, and in every job of a
    pool of threads that is given one inside it.

    An error that ends a thread is printed, as Python does, unless it is ``quiet``.
    """
    before = threading.getprofile()
    report = threading.excepthook
    submit = ThreadPoolExecutor.submit

    def first_call(_frame: FrameType, _event: str, _argument: object) -> None:
        sys.setprofile(before)
        enter()

    def submit_entered(
        pool: ThreadPoolExecutor, job: Callable[..., object], /, *given: object, **named: object
    ) -> Future[object]:
        def entered() -> object:
            enter()
            return job(*given, **named)

        return submit(pool, entered)

    def ended(error: threading.ExceptHookArgs) -> None:
        if not quiet():
            report(error)

    threading.excepthook = ended
    threading.setprofile(first_call)
    ThreadPoolExecutor.submit = submit_entered  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        threading.excepthook = report
        ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]
        threading.setprofile(before)  # None takes it away
