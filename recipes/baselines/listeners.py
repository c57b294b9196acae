"""What each contestant makes of a clip, as its user would run it.

Each imports what it needs when it is asked for: the memory of one is not that of another.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

SAMPLE_RATE = 16000

Kind = Literal["file", "functionals", "egemaps", "frozen"]
# Takes a clip's samples at 16 kHz, `(samples,)`, and gives a score for each class; or features.
Listener = Callable[[np.ndarray], np.ndarray]


def listener(kind: Kind, path: Path) -> Listener:
    """Loads what hears.

    Args:
        kind: `"functionals"` gives eGeMAPS, which needs no path; all others give scores.
        path: The `.tflite` file, or the folder of a training.
    """
    if kind == "functionals":
        return _functionals()
    return {"file": _file, "egemaps": _egemaps, "frozen": _frozen}[kind](path)


def _file(path: Path) -> Listener:
    from keras_reparam.deploy import Classifier

    # However quiet a clip is, it gets a class, as by all others.
    classifier = Classifier(path, silence_decibels=-math.inf)
    return lambda samples: classifier.classify(samples, SAMPLE_RATE).probabilities


def _functionals() -> Listener:
    from recipes.baselines.functionals import Functionals

    return Functionals()


def _egemaps(path: Path) -> Listener:
    from recipes.baselines.machine import read_machine

    features, machine = _functionals(), read_machine(path)
    return lambda samples: machine(features(samples))


def _frozen(path: Path) -> Listener:
    from recipes.baselines.frozen import read_frozen

    return read_frozen(path)
