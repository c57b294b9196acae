"""How runs share the cores of a machine."""

import os
from pathlib import Path

from keras_reparam._utils.environment import cores
from recipes.compare.planning.backend import backend_name

# Bytes that a run may take: a large ConvTransformer took 2.5e9.
_MEMORY = 3e9


def default_workers() -> int:
    """Runs at a time, unless the user says otherwise: one for each core, if memory is enough.

    Two with a thread each took 0.6 of the time of one after the other with two threads each
    (`docs/howto/scale.md`).
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cores(), int(memory / _MEMORY)))


def threads_of(workers: int) -> int:
    """Threads of each of so many processes."""
    return max(1, cores() // workers)


def environment_of(threads: int) -> dict[str, str]:
    """What makes a process use so many threads, this checkout, and the same backend of Keras."""
    names = ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    root = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    return {
        **dict.fromkeys(names, str(threads)),
        **{"PYTHONPATH": path, "KERAS_BACKEND": backend_name()},
    }
