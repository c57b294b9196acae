"""Time and memory of the contestants."""

import contextlib
import dataclasses
from collections.abc import Sequence

import numpy as np
from rich.console import Console

from keras_reparam._utils.progress import track
from recipes.baselines.contestant import Contestant
from recipes.baselines.listeners import SAMPLE_RATE
from recipes.baselines.worker import Worker

_WARM_UP = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cost:
    """Of one contestant.

    Attributes:
        median: Milliseconds for a second of audio: median over clips.
        low: 10th percentile.
        high: 90th percentile.
        memory: Peak memory in MB, less that of Python and NumPy.
    """

    median: float
    low: float
    high: float
    memory: float


def measure(
    contestants: Sequence[Contestant], clips: Sequence[np.ndarray], console: Console
) -> dict[str, Cost]:
    """Time and memory by name.

    They hear each clip in turns, one at a time: what else the machine does slows all of them alike.

    Args:
        contestants: Who is measured.
        clips: Samples at 16 kHz, `(samples,)`. The first ones are heard once more before that.
        console: Where the progress bar is drawn.
    """
    with contextlib.ExitStack() as stack:
        workers = [
            stack.enter_context(Worker(each.kind, each.path, one_core=True)) for each in contestants
        ]
        for clip in clips[:_WARM_UP]:
            for worker in workers:
                worker.hear(clip)
        rows = []
        for turn, clip in enumerate(track(clips, "Measuring", console)):
            seconds = np.zeros(len(workers))
            # Who begins changes from clip to clip.
            for place in range(len(workers)):
                which = (turn + place) % len(workers)
                seconds[which] = workers[which].hear(clip)[1]
            rows.append(1000 * seconds / (len(clip) / SAMPLE_RATE))
        low, median, high = np.percentile(rows, [10, 50, 90], axis=0).tolist()
        return {
            contestant.name: Cost(
                median=median[i], low=low[i], high=high[i], memory=workers[i].memory()
            )
            for i, contestant in enumerate(contestants)
        }
