"""The model that comes with the package, and what its files are worth on the test clips."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console

import keras_reparam
from keras_reparam._utils.environment import described, environment
from keras_reparam._utils.files import write_bytes
from keras_reparam._utils.progress import track
from keras_reparam.deploy import Classifier
from keras_reparam.deploy.release.model_card import with_results
from recipes.common.corpus import read_example
from recipes.common.deployment.card import MEASURED
from recipes.common.deployment.figures import card_row
from recipes.common.deployment.measured import measured_forms
from recipes.common.latency import measure
from recipes.common.names import CARD, DEFAULT_KINDS, file_name
from recipes.common.protocol.fold import Example
from recipes.common.store.layout import SAMPLE_RATE
from recipes.quickstart.corpus import load_clips
from recipes.quickstart.settings import Settings

PRETRAINED = Path(keras_reparam.__file__).parent / "pretrained"


def shipped_scores(
    examples: Sequence[Example], read: Callable[[Example], np.ndarray], console: Console
) -> dict[str, np.ndarray]:
    """What the package's files say of clips: `(clips, classes)` by kind.

    Args:
        examples: The clips.
        read: Gives a clip's waveform.
        console: Where the progress bar is drawn.
    """
    # However quiet a clip is, it is scored, as a new model's are.
    classifiers = {
        kind: Classifier(path, silence_decibels=-math.inf) for kind, path in _files().items()
    }
    scores: dict[str, list[np.ndarray]] = {kind: [] for kind in classifiers}
    for example in track(examples, "Scoring the package's model", console):
        samples = read(example)
        for kind, classifier in classifiers.items():
            scores[kind].append(classifier.classify(samples, SAMPLE_RATE).probabilities)
    return {kind: np.array(found) for kind, found in scores.items()}


def _files() -> dict[str, Path]:
    return {kind: PRETRAINED / file_name(kind) for kind in DEFAULT_KINDS}


def rescore(settings: Settings, console: Console) -> Path:
    """Scores the package's files anew, and writes the results into their card.

    Args:
        settings: Where the clips are.
        console: Where to report.

    Returns:
        The card.

    Raises:
        ValueError: If the clips are not as they should be.
        OSError: If a file can't be read or written.
    """
    clips = load_clips(settings)
    read = partial(read_example, data=settings.data)
    scores = shipped_scores(clips.fold.tests["test"], read, console)
    with console.status("Measuring the time of an inference"):
        latencies = measure(_files())
    forms = measured_forms(scores, clips.fold, "test", clips.labels, latencies=latencies)
    rows = [
        card_row(f"TFLite {kind}", form.figures, form.results, form.results.by_sex, form.latency)
        for kind, form in forms.items()
    ]
    for row in rows:
        console.print(", ".join(f"{name} {value}" for name, value in row.items()), highlight=False)
    machine = described(environment("keras", "tensorflow", "ai-edge-litert"))
    card = PRETRAINED / CARD
    text = with_results(card.read_text(encoding="utf-8"), rows, f"{machine}. {MEASURED}")
    write_bytes(card, text.encode())
    return card
