"""The floor: what a clip's level alone tells of its emotion."""

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.metrics import recall_score

from keras_reparam.audio.windows import decibels
from recipes.baselines.machine import fit_machine
from recipes.common.protocol.fold import Example, Fold

# Of digital silence there is no level.
_LEAST = -100.0


def level_alone(
    fold: Fold, samples: Callable[[Example], np.ndarray], num_classes: int
) -> dict[str, float]:
    """UA on the test clips of each corpus, by a linear machine on one number: decibels.

    Args:
        fold: Who trains, validates and tests.
        samples: Gives a clip's waveform.
        num_classes: Number of classes, all of which occur.
    """

    def read(examples: Sequence[Example]) -> tuple[np.ndarray, np.ndarray]:
        levels = [max(decibels(samples(example)), _LEAST) for example in examples]
        return np.array(levels)[:, None], np.array([example.label for example in examples])

    times = [example.times for example in fold.train]
    machine, _ = fit_machine(read(fold.train), read(fold.validation), times, num_classes)
    found = {}
    for corpus in sorted({example.corpus for example in fold.tests["test"]}):
        levels, truth = read([e for e in fold.tests["test"] if e.corpus == corpus])
        predicted = machine(levels).argmax(axis=1)
        found[corpus] = float(recall_score(truth, predicted, average="macro", zero_division=0.0))
    return found
