"""Training clips that calibrate a quantized file."""

from collections.abc import Callable, Sequence

import numpy as np
from rich.console import Console

from keras_reparam._utils.progress import track
from recipes.common.protocol.fold import Example
from recipes.common.protocol.task import Task
from recipes.common.scoring.windows import beginnings_of

_MOST_CLIPS = 200
# Clips of minutes are fewer: a quarter of a gigabyte of samples, but never too few to calibrate.
_MOST_SAMPLES = 2**26
_FEWEST_CLIPS = 20


def calibration_clips(
    examples: Sequence[Example],
    task: Task,
    read: Callable[[Example], np.ndarray],
    window: int,
    console: Console,
) -> np.ndarray:
    """The first `window` samples of some training examples, `(clips, window)`.

    At most 200, fewer where the window is longer than 20 seconds; as many of every class as there
    are, evenly spaced over its examples. The same examples give the same clips.

    Args:
        examples: Of the training split.
        task: Of the model.
        read: Gives the waveform of an example.
        window: Samples that the model takes at once.
        console: Where the progress bar is drawn.
    """
    most = min(_MOST_CLIPS, max(_FEWEST_CLIPS, _MOST_SAMPLES // window))
    chosen = track(evenly_over_classes(examples, task, most), "Reading training clips", console)
    # One by one: of a long recording no more than its beginning is kept.
    return np.concatenate([beginnings_of([read(example)], window) for example in chosen])


def evenly_over_classes(examples: Sequence[Example], task: Task, most: int) -> list[Example]:
    """At most so many examples: of every class equally many, or all where it has fewer."""
    by_class: dict[int, list[Example]] = {}
    strata = task.strata([example.label for example in examples])
    for example, stratum in zip(examples, strata, strict=True):
        by_class.setdefault(stratum, []).append(example)
    chosen: list[Example] = []
    # What small classes leave over, larger ones get.
    for done, found in enumerate(sorted(by_class.values(), key=len)):
        count = min(len(found), (most - len(chosen)) // (len(by_class) - done))
        chosen += [found[i] for i in np.linspace(0, len(found) - 1, count).round().astype(int)]
    return chosen
