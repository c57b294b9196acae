"""Scores test examples with several forms of one model, in one pass over their waveforms."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

import keras
import numpy as np
from rich.console import Console

from keras_reparam._utils.progress import track
from recipes.common.protocol.fold import Example
from recipes.common.scoring.form import Form
from recipes.common.scoring.waveform_model import WaveformModel
from recipes.common.scoring.windows import sounding_windows, weights_of

# Samples that a model hears at once: 16 windows of four seconds.
_AT_ONCE = 16 * 64000


@dataclasses.dataclass(frozen=True)
class Scored:
    """What the forms say of the examples.

    Attributes:
        probabilities: `(examples, classes)` by form, the weighted mean over an example's windows.
        lengths: `(examples,)`: samples.
        peaks: `(examples,)`: largest absolute value of a sample.
    """

    probabilities: dict[str, np.ndarray]
    lengths: np.ndarray
    peaks: np.ndarray


def score_examples(
    examples: Sequence[Example],
    read: Callable[[Example], np.ndarray],
    forms: Mapping[str, Form],
    model: WaveformModel,
    console: Console,
) -> Scored:
    """Scores of all examples, in memory that grows with the longest of them alone.

    Windows and their weights are those of `keras_reparam.deploy.Classifier`, but however quiet an
    example is, it is scored; one of digital silence counts as one window of it.

    Args:
        examples: What is scored.
        read: Gives the waveform of an example: mono, float, any length.
        forms: The forms of the model by name.
        model: The model.
        console: Where the progress bar is drawn.

    Raises:
        ValueError: If a waveform is not mono, or holds NaN or infinity.
    """
    totals = {name: np.zeros((len(examples), model.num_classes)) for name in forms}
    weights, lengths = np.zeros(len(examples)), np.zeros(len(examples), int)
    peaks = np.zeros(len(examples))

    def windows() -> Iterator[tuple[int, np.ndarray]]:
        for number, example in enumerate(track(examples, "Scoring test clips", console)):
            samples = _checked(read(example), example)
            lengths[number], peaks[number] = len(samples), np.abs(samples).max(initial=0)
            for window in sounding_windows(samples, model.window):
                yield number, window

    found = windows()
    size = max(1, _AT_ONCE // model.window)
    while batch := list(itertools.islice(found, size)):
        owners = [owner for owner, _ in batch]
        heard = [window for _, window in batch]
        weight = weights_of(heard)
        np.add.at(weights, owners, weight)
        for name, scores in _scores(np.stack(heard), forms, model).items():
            np.add.at(totals[name], owners, weight[:, None] * scores)
    probabilities = {name: total / weights[:, None] for name, total in totals.items()}
    return Scored(probabilities, lengths, peaks)


def _scores(
    windows: np.ndarray, forms: Mapping[str, Form], model: WaveformModel
) -> dict[str, np.ndarray]:
    inputs = {False: windows}
    if any(form.features_in for form in forms.values()):
        inputs[True] = keras.ops.convert_to_numpy(model.log_mel(windows))
    return {name: form.scores(inputs[form.features_in]) for name, form in forms.items()}


def _checked(samples: np.ndarray, example: Example) -> np.ndarray:
    samples = np.asarray(samples, "float32")
    if samples.ndim != 1 or not np.isfinite(samples).all():
        raise ValueError(
            "A clip's waveform must have the shape (samples,), without NaN and infinity. "
            f"Received: '{example.id}' of the shape {samples.shape}"
        )
    return samples
