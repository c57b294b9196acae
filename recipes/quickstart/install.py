"""Makes a run's model the one that comes with the package."""

import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import keras_reparam
from keras_reparam.deploy import Classifier
from recipes.common.deployment.measured import Measured, by_corpus
from recipes.common.files.folders import replaced
from recipes.common.names import CARD, DEFAULT_KINDS, GOLDEN, file_name
from recipes.common.protocol.fold import Example, Fold
from recipes.common.results.decisions import decide, majority_class
from recipes.common.results.metrics import Metrics
from recipes.common.results.predictions import Predictions
from recipes.common.store.layout import SAMPLE_RATE

PRETRAINED = Path(keras_reparam.__file__).parent / "pretrained"


def install(
    folder: Path,
    fold: Fold,
    read: Callable[[Example], np.ndarray],
    labels: Sequence[str],
    forms: Sequence[Measured],
) -> Path:
    """Copies the model, its card and its golden vectors to where the package looks for them.

    Args:
        folder: Of the run.
        fold: Whose test clips the model that is there is scored on.
        read: Gives a clip's waveform.
        labels: Class names.
        forms: What was measured of the run's model.

    Raises:
        ValueError: If the model that is there is better on the test clips of any corpus.
    """
    for title, before in _shipped(fold, read, labels).items():
        worst = min(form.by_corpus[title].ua for form in forms)
        if worst < before.ua:
            raise ValueError(
                "The model that comes with the package is replaced only by one that is no worse "
                f"on any corpus. Received: UA {worst:.1%} on {title}, and it has {before.ua:.1%}; "
                f"the results lie in '{folder}', and the package's model is as it was"
            )
    with replaced(PRETRAINED) as beside:
        for name in (*map(file_name, DEFAULT_KINDS), CARD):
            shutil.copyfile(folder / name, beside / name)
        shutil.copytree(folder / GOLDEN, beside / GOLDEN)
    return PRETRAINED


def _shipped(
    fold: Fold, read: Callable[[Example], np.ndarray], labels: Sequence[str]
) -> dict[str, Metrics]:
    """What the package's model is worth on each corpus."""
    # However quiet a clip is, it is scored, as those of the new model are.
    classifier = Classifier(PRETRAINED / file_name("int8"), silence_decibels=-math.inf)
    examples = fold.tests["test"]
    scores = [classifier.classify(read(e), SAMPLE_RATE).probabilities for e in examples]
    about = {"fold": fold.name, "part": "test", "majority": majority_class(fold.train)}
    return by_corpus(Predictions.of(*decide(examples, scores), labels=labels, **about), examples)
