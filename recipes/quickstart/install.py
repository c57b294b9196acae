"""Makes a run's model the one that comes with the package."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from recipes.common.deployment.measured import Measured, measured_forms
from recipes.common.files.folders import replaced
from recipes.common.names import CARD, DEFAULT_KINDS, GOLDEN, file_name
from recipes.common.protocol.fold import Example, Fold
from recipes.quickstart.shipped import PRETRAINED, shipped_scores


def install(
    folder: Path,
    fold: Fold,
    read: Callable[[Example], np.ndarray],
    labels: Sequence[str],
    forms: Sequence[Measured],
    console: Console,
) -> Path:
    """Copies the model, its card and its golden vectors to where the package looks for them.

    Args:
        folder: Of the run.
        fold: Whose test clips the model that is there is scored on.
        read: Gives a clip's waveform.
        labels: Class names.
        forms: What was measured of the run's model.
        console: Where to report.

    Raises:
        ValueError: If the model that is there is better on the test clips of any corpus.
    """
    scores = shipped_scores(fold.tests["test"], read, console)
    shipped = measured_forms(scores, fold, "test", labels)["int8"]
    for title, before in shipped.by_corpus.items():
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
