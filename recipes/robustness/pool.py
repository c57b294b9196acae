"""Shares the clips out over processes."""

import multiprocessing
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from recipes.robustness.clips import Clips
from recipes.robustness.conditions import CONDITIONS
from recipes.robustness.listener import Listener

# What a process keeps from clip to clip.
_listener: Listener | None = None


def classes_of_clips(clips: Clips, *, workers: int, names: list[str], **options) -> Iterator[list]:
    """`Listener.classes` of all clips in their order, one after another.

    Args:
        clips: The clips.
        workers: Processes; 1: this one.
        names: Of the conditions.
        **options: Of `Listener`.

    Raises:
        ChildProcessError: If a process dies, as by a model that was made to do harm.
    """
    numbers = range(len(clips.segments))
    workers = min(workers, len(numbers))
    if workers == 1:
        listener = _made(clips, names, options)
        yield from map(listener.classes, numbers)
        return
    # Forked processes would share what LiteRT's threads hold.
    executor = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(clips, names, options),
    )
    try:
        yield from executor.map(_classes, numbers)
    except BrokenProcessPool as error:
        raise ChildProcessError(
            "A process died while it classified clips: there was too little memory for "
            f"{workers} (--workers), or LiteRT can't run the model"
        ) from error
    finally:
        executor.shutdown(cancel_futures=True)


def _made(clips: Clips, names: list[str], options: dict) -> Listener:
    return Listener(clips=clips, conditions=[CONDITIONS[name] for name in names], **options)


def _start(clips: Clips, names: list[str], options: dict) -> None:
    # Ctrl-C is the first process's, which then tells the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    global _listener
    _listener = _made(clips, names, options)


def _classes(number: int) -> list[int]:
    assert _listener is not None
    return _listener.classes(number)
