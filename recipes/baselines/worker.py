"""A listener at work, in a process of its own.

openSMILE's library and TensorFlow crash in one process; and the memory of one is not that of
another.
"""

import multiprocessing
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from keras_reparam._utils.peak_memory import peak_memory
from recipes.baselines.listeners import Kind, Listener, listener
from recipes.common.command import keep_quiet

# What a process keeps from clip to clip.
_listener: Listener | None = None
_before = 0.0
_ONE_THREAD = {
    **{f"TF_NUM_{kind}_THREADS": "1" for kind in ("INTRAOP", "INTEROP")},
    **{"OMP_NUM_THREADS": "1", "KERAS_BACKEND": "tensorflow"},
}


class Worker:
    """Hears clips, on one thread.

    Args:
        kind: What hears.
        path: As `listener` takes it.
        one_core: Whether it stays on one core, the same for all.
    """

    def __init__(self, kind: Kind, path: Path, *, one_core: bool = False):
        self._what = f"{kind}, '{path}'"
        # Forked processes would share what LiteRT's and TensorFlow's threads hold.
        self._executor = ProcessPoolExecutor(
            1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start,
            initargs=(kind, path, one_core),
        )

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_) -> None:
        self._executor.shutdown(cancel_futures=True)

    def hear(self, samples: np.ndarray) -> tuple[np.ndarray, float]:
        """What the listener gives of a clip, `(samples,)` at 16 kHz, and the seconds it took."""
        return self._result(_hear, samples)

    def memory(self) -> float:
        """Peak memory so far in MB, less what there was before the listener was loaded."""
        return self._result(_memory)

    def _result(self, function, *arguments):
        try:
            return self._executor.submit(function, *arguments).result()
        except BrokenProcessPool as error:
            raise ChildProcessError(f"The process died that runs {self._what}") from error


def _start(kind: Kind, path: Path, one_core: bool) -> None:
    # Ctrl-C is the first process's, which then tells the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_quiet()
    os.environ |= _ONE_THREAD
    if one_core and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    threadpool_limits(1)
    global _listener, _before
    _before = peak_memory()
    _listener = listener(kind, path)


def _hear(samples: np.ndarray) -> tuple[np.ndarray, float]:
    assert _listener is not None
    start = time.perf_counter()
    found = _listener(samples)
    return found, time.perf_counter() - start


def _memory() -> float:
    return peak_memory() - _before
